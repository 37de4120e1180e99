/** @file The training loop of one stage: gradients, update, averages, checkpoints; resumable at any step. */
import { join } from "node:path";
import { assert, EngineError } from "../base/index.ts";
import { grad } from "../autodiff/index.ts";
import { parametersOf, place } from "../nn/index.ts";
import { value, type Program, type Value } from "../runtime/index.ts";
import { graphOf, type Graph, type Parameter } from "../tensor/index.ts";
import { emaDecayAt } from "./ema.ts";
import type { Loader } from "./loader.node.ts";
import { optimizer } from "./optimizers.ts";
import { rateAt } from "./rates.ts";
import type { Run, Stage, Weights } from "./recipe.ts";
import {
  finishedFile,
  freshState,
  loadCheckpoint,
  saveCheckpoint,
  saveWeights,
  slotOf,
  type State,
} from "./state.node.ts";
import { slotName, updateGraph, type Trained } from "./update.ts";

/** One optimiser step done; metrics are means over its parts. */
export interface TrainStep {
  readonly step: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly norm: number;
  readonly rate: number;
}

/** A step with access to the averaged weights as they are until the next one. */
export type LiveStep = TrainStep & { averaged(this: void): Weights };

/** A stage ready to run: its parameters, and the graph of metrics and gradients. */
export interface Prepared {
  readonly parameters: readonly Parameter[];
  readonly trained: readonly Trained[];
  readonly gradients: Graph;
}

/** Traces a stage, places its networks and differentiates its loss. */
export function prepare(stage: Stage): Prepared {
  const { networks, outputs } = stage.trace();
  const parameters = Object.entries(networks).flatMap(([name, network]) =>
    parametersOf(place(network, name)),
  );
  const share = (path: string) => stage.share?.(path) ?? 1;
  const moving = parameters.filter((p) => p.trains && share(p.path) > 0);
  const gradients = grad(outputs.loss, moving);
  const named = moving.map((p, i) => [slotName("gradient", p.path), gradients[i]] as const);
  return {
    parameters,
    trained: moving.map(({ path, shape }) => ({ path, shape, rate: share(path) })),
    gradients: graphOf({ ...outputs, ...Object.fromEntries(named) }),
  };
}

const scalarOf = (v: Value) => Number(v.data[0]);
const asInput = () => ({ kind: "input" }) as const;

/** Computes metrics and gradients of one step, averaged over its parts. */
async function accumulate(
  program: Program,
  { parameters, trained }: Prepared,
  { state, loader, parts }: { state: State; loader: Loader; parts: number },
) {
  const weights = Object.fromEntries(
    parameters.map(({ path, shape }) => {
      const data = state.values.get(slotName("value", path));
      assert(data, `no value of ${path}`);
      return [path, value(data, shape)];
    }),
  );
  const sums: Record<string, Float32Array> = {};
  for (let part = 0; part < parts; part++) {
    const out = await program.run({ ...weights, ...(await loader.next(state.step, part)) });
    for (const [name, { data }] of Object.entries(out)) {
      const values = data as Float32Array;
      if (parts > 1) for (let i = 0; i < values.length; i++) values[i] /= parts;
      const sum = sums[name];
      if (!sum) sums[name] = values;
      else for (let i = 0; i < sum.length; i++) sum[i] += values[i];
    }
  }
  const gradients = trained.map(({ path }) => sums[slotName("gradient", path)]);
  const metrics = Object.fromEntries(
    Object.entries(sums)
      .filter(([name]) => !name.startsWith("gradient/"))
      .map(([name, data]) => [name, data[0]]),
  );
  return { gradients, metrics };
}

/** Applies one update and moves the state on. Returns the norm of the gradients. */
async function update(
  program: Program,
  stage: Stage,
  {
    state,
    gradients,
    trained,
  }: { state: State; gradients: Float32Array[]; trained: readonly Trained[] },
): Promise<{ norm: number; rate: number }> {
  const step = state.step + 1;
  const rate = stage.rate.base * rateAt(state.step, stage.steps, stage.rate);
  const scalars = {
    rate,
    keep: stage.ema ? emaDecayAt(step, stage.ema) : 0,
    ...optimizer(stage.optimizer).scalars(step),
  };
  const inputs: Record<string, Value> = Object.fromEntries(
    Object.entries(scalars).map(([name, number]) => [name, value([number], [])]),
  );
  trained.forEach(({ path, shape }, i) => {
    inputs[slotName("gradient", path)] = value(gradients[i], shape);
    for (const slot of ["value", "average", ...optimizer(stage.optimizer).slots]) {
      const data = state.values.get(slotName(slot, path));
      if (data) inputs[slotName(slot, path)] = value(data, shape);
    }
  });
  const out = await program.run(inputs);
  const norm = scalarOf(out.norm);
  // Before anything is stored: a checkpoint must never hold what a broken gradient made.
  if (!Number.isFinite(norm))
    throw new EngineError(`a gradient is not finite at step ${state.step} of ${stage.name}`);
  for (const [name, { data }] of Object.entries(out))
    if (state.values.has(name)) state.values.set(name, data as Float32Array);
  state.step = step;
  return { norm, rate };
}

/** The averaged weights where there are averages, else the values. */
export function averaged(state: State): Weights {
  const values = slotOf(state, "value");
  return new Map([...values, ...slotOf(state, "average")]);
}

/** What `trainStage` needs beside the stage. */
export interface StageRun {
  readonly run: Run;
  readonly loader: Loader;
  /** Steps between checkpoints. */
  readonly keepEvery: number;
}

/** Runs a stage from its newest checkpoint to its end; yields each step. Leaving early writes a checkpoint. */
export async function* trainStage(
  stage: Stage,
  { run, loader, keepEvery }: StageRun,
): AsyncGenerator<LiveStep, Weights> {
  const folder = join(run.folder, stage.name);
  const prepared = prepare(stage);
  const rule = optimizer(stage.optimizer);
  const average = stage.ema !== null;
  const start = (await stage.start?.(run)) ?? new Map<string, Float32Array>();
  const fresh = freshState(prepared.parameters, {
    seed: stage.seed,
    slots: rule.slots,
    average,
    start,
  });
  const state = (await loadCheckpoint(folder, fresh)) ?? fresh;
  const options = { bind: asInput, ...(run.threads === undefined ? {} : { threads: run.threads }) };
  await using gradients = await run.engine.compile(prepared.gradients, options);
  const updates = updateGraph(prepared.trained, rule, { clip: stage.clip, average });
  await using updating = await run.engine.compile(updates, options);
  const parts = stage.accumulate ?? 1;
  let saved = state.step;
  try {
    while (state.step < stage.steps) {
      const done = await accumulate(gradients, prepared, { state, loader, parts });
      if (!Number.isFinite(done.metrics.loss))
        throw new EngineError(
          `the loss is ${done.metrics.loss} at step ${state.step} of ${stage.name}`,
        );
      const { norm, rate } = await update(updating, stage, {
        state,
        ...done,
        trained: prepared.trained,
      });
      if (state.step - saved >= keepEvery) {
        await saveCheckpoint(folder, state);
        saved = state.step;
      }
      const { metrics } = done;
      yield { step: state.step, metrics, norm, rate, averaged: () => averaged(state) };
    }
  } finally {
    // A step that failed has not touched the state, so what is written here is always whole.
    if (state.step > saved) await saveCheckpoint(folder, state);
  }
  const weights = averaged(state);
  await saveWeights(finishedFile(folder), weights);
  return weights;
}
