/** @file A loss or gradient that is not finite: which module made the first such number. */
import { EngineError } from "../base/index.ts";
import { firstNotFinite, type NotFinite, type Value } from "../runtime/index.ts";
import type { Graph } from "../tensor/index.ts";
import type { Loader } from "./loader.node.ts";
import type { Prepared } from "./prepare.ts";
import type { Run, Stage } from "./recipe.ts";
import type { State } from "./run/state.node.ts";
import { weightsOf } from "./step.node.ts";

const places: Readonly<Record<NotFinite["kind"], (name: string) => string>> = {
  input: (name) => `the batch's ${name} already is not finite`,
  weight: (name) => `the weight ${name} already is not finite`,
  node: (name) => name,
};

async function runOnce(
  graph: Graph,
  { engine, precision }: Run,
  inputs: Readonly<Record<string, Value>>,
) {
  await using program = await engine.compile(graph, {
    bind: () => ({ kind: "input" }),
    mode: "lean",
    precision,
  });
  return await program.run(inputs);
}

/** Makes the failed step's batches again and looks at every module's values, then at the gradients. */
async function culprit(
  { accumulate = 1 }: Stage,
  { run, loader, state, prepared }: Failed,
): Promise<string | null> {
  const weights = weightsOf(state, prepared);
  for (let part = 0; part < accumulate; part++) {
    const inputs = { ...weights, ...(await loader.next(state.step, part)) };
    for (const [graph, what] of [
      [prepared.forward, "first in the output of"],
      [prepared.gradients, "first in the gradients of"],
    ] as const) {
      const found = await firstNotFinite(graph, {
        inputs,
        run: (each) => runOnce(each, run, inputs),
      });
      if (!found) continue;
      const name = found.name === "" ? "the objective" : found.name;
      return found.kind === "node" ? `${what} ${name} (${found.op})` : places[found.kind](name);
    }
  }
  return null;
}

/** What is needed to make a step once more. */
export interface Failed {
  readonly run: Run;
  readonly loader: Loader;
  readonly state: State;
  readonly prepared: Prepared;
}

/** The error for a step that gave no numbers. The state is that before the step. */
export async function explainNotFinite(
  stage: Stage,
  failed: Failed,
  what: string,
): Promise<EngineError> {
  const where = await culprit(stage, failed);
  const step = `step ${failed.state.step + 1} of ${stage.name}`;
  return new EngineError(`${what} at ${step}: ${where ?? "though every part of it is finite"}`, {
    hint: "lower the rate, clip the gradients or warm up longer, and go on from the checkpoint",
  });
}
