/** @file limn's side of a training step: gradients, then the update, into memory that is there already. */
import { ortEngine, value, type Engine, type Value } from "../../src/runtime/index.ts";
import type { Graph, Parameter } from "../../src/tensor/index.ts";
import { slotName } from "../../src/training/optimizers/update.ts";
import { emblemStep } from "../emblem-step.ts";
import type { Run } from "./own-networks.ts";
import type { Work } from "./works.ts";

const memoryFor = (graph: Graph): Record<string, Value> =>
  Object.fromEntries(
    [...graph.outputs].map(([name, { shape, size }]) => [
      name,
      value(new Float32Array(size), shape),
    ]),
  );

/** Compiles both programs; the answer is the loss and the norm of the gradients. */
export async function openTraining({ batch }: Work, engine: Engine, threads: number): Promise<Run> {
  const { graphs, inputs, state, parameters } = await emblemStep(batch);
  const bind = () => ({ kind: "input" }) as const;
  const gradients = await engine.compile(graphs.gradients, { bind });
  // As limn train does it: the update is made by ONNX Runtime in f32, whatever computes the gradients.
  const update = await (await ortEngine()).compile(graphs.update, { bind, threads });
  const [slopes, next] = [memoryFor(graphs.gradients), memoryFor(graphs.update)];
  return async () => {
    await gradients.run(inputs, { into: slopes });
    await update.run({ ...state, ...slopes }, { into: next });
    return () => Float32Array.of(Number(slopes["loss"].data[0]), normOf(parameters, slopes));
  };
}

/** √Σ g² over all gradients. */
function normOf(parameters: readonly Parameter[], slopes: Readonly<Record<string, Value>>): number {
  const square = parameters.reduce((sum, { path }) => {
    const data = slopes[slotName("gradient", path)].data as Float32Array;
    return data.reduce((all, x) => all + x * x, sum);
  }, 0);
  return Math.sqrt(square);
}
