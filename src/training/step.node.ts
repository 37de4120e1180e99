/** @file One optimiser step: gradients averaged over the parts of a batch, then the update of the state. */
import { assert } from "../base/index.ts";
import { value, type Program, type Value } from "../runtime/index.ts";
import { emaDecayAt } from "./optimizers/ema.ts";
import type { Loader } from "./loader.node.ts";
import { optimizer } from "./optimizers/optimizers.ts";
import type { Prepared } from "./prepare.ts";
import { rateAt } from "./optimizers/rates.ts";
import type { Batch, Stage } from "./recipe.ts";
import type { State } from "./run/state.node.ts";
import type { Graph } from "../tensor/index.ts";
import { slotName, type Trained } from "./optimizers/update.ts";

/** The numbers of a step, before the update. */
export interface Gradients {
  /** One per trained parameter, in their order. */
  readonly gradients: readonly Float32Array[];
  readonly metrics: Readonly<Record<string, number>>;
  /** Pictures seen. */
  readonly samples: number;
}

/** Memory that steps write into by turns: fresh arrays for every step would cost more than the arithmetic. */
export class Scratch {
  readonly #values = new Map<string, Value>();

  /** Memory for the graph's outputs whose names pass, the same for every call. */
  outputs(graph: Graph, wanted: (name: string) => boolean): Record<string, Value> {
    const chosen = [...graph.outputs].filter(([name]) => wanted(name));
    return Object.fromEntries(
      chosen.map(([name, { shape, size }]) => {
        const known = this.#values.get(name) ?? value(new Float32Array(size), shape);
        this.#values.set(name, known);
        return [name, known];
      }),
    );
  }

  /** Takes `data` as memory for the next step's `name`, in exchange for what that memory holds now. */
  swap(name: string, data: Float32Array): void {
    const now = this.#values.get(name);
    if (now) this.#values.set(name, value(data, now.shape));
  }
}

/** Values of all parameters, as the gradient program wants them. */
export function weightsOf(state: State, { parameters }: Prepared): Record<string, Value> {
  return Object.fromEntries(
    parameters.map(({ path, shape }) => {
      const data = state.values.get(slotName("value", path));
      assert(data, `no value of ${path}`);
      return [path, value(data, shape)];
    }),
  );
}

const samplesIn = (batch: Batch) => Object.values(batch)[0]?.shape[0] ?? 0;

/** Computes metrics and gradients of the next step, averaged over its parts. */
export async function accumulate(
  program: Program,
  prepared: Prepared,
  {
    state,
    loader,
    parts,
    scratch,
  }: { state: State; loader: Loader; parts: number; scratch: Scratch },
): Promise<Gradients> {
  const weights = weightsOf(state, prepared);
  const sums: Record<string, Float32Array> = {};
  let samples = 0;
  for (let part = 0; part < parts; part++) {
    const batch = await loader.next(state.step, part);
    samples += samplesIn(batch);
    // Only the first part's gradients may stay in the scratch memory: the others are added to them.
    const into = part === 0 ? scratch.outputs(prepared.gradients, isGradient) : {};
    const out = await program.run({ ...weights, ...batch }, { into });
    for (const [name, { data }] of Object.entries(out)) {
      const values = data as Float32Array;
      if (parts > 1) for (let i = 0; i < values.length; i++) values[i] /= parts;
      const sum = sums[name];
      if (!sum) sums[name] = values;
      else for (let i = 0; i < sum.length; i++) sum[i] += values[i];
    }
  }
  const gradients = prepared.trained.map(({ path }) => sums[slotName("gradient", path)]);
  const metrics = Object.fromEntries(
    [...prepared.forward.outputs.keys()].map((name) => [name, sums[name][0]]),
  );
  return { gradients, metrics, samples };
}

const isGradient = (name: string) => name.startsWith(slotName("gradient", ""));

/** The scalars of a step (counted from 1) beside the optimiser's tensors. */
function scalarsOf(stage: Stage, step: number): { rate: number; keep: number } {
  return {
    rate: stage.rate.base * rateAt(step - 1, stage.steps, stage.rate),
    keep: stage.ema ? emaDecayAt(step, stage.ema) : 0,
    ...optimizer(stage.optimizer).scalars(step),
  };
}

/** Applies one update and moves the state on; a gradient that is not finite leaves it as it was (`norm` tells). */
export async function update(
  program: Program,
  stage: Stage,
  {
    state,
    gradients,
    trained,
    updates,
    scratch,
  }: {
    state: State;
    gradients: readonly Float32Array[];
    trained: readonly Trained[];
    updates: Graph;
    scratch: Scratch;
  },
): Promise<{ norm: number; rate: number }> {
  const step = state.step + 1;
  const scalars = scalarsOf(stage, step);
  const inputs: Record<string, Value> = Object.fromEntries(
    Object.entries(scalars).map(([name, number]) => [name, value([number], [])]),
  );
  const { slots } = optimizer(stage.optimizer);
  trained.forEach(({ path, shape }, i) => {
    inputs[slotName("gradient", path)] = value(gradients[i], shape);
    const kept = { value: shape, average: shape, ...slots(shape) };
    for (const [slot, its] of Object.entries(kept)) {
      const data = state.values.get(slotName(slot, path));
      if (data) inputs[slotName(slot, path)] = value(data, its);
    }
  });
  const into = scratch.outputs(updates, (name) => state.values.has(name));
  const out = await program.run(inputs, { into });
  const norm = Number(out.norm.data[0]);
  // Before anything is stored: a checkpoint must never hold what a broken gradient made.
  if (!Number.isFinite(norm)) return { norm, rate: scalars.rate };
  for (const [name, { data }] of Object.entries(into)) {
    scratch.swap(name, state.values.get(name) ?? new Float32Array(data.length));
    state.values.set(name, data as Float32Array);
  }
  state.step = step;
  return { norm, rate: scalars.rate };
}
