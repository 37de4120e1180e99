/** @file The first half of a step: gradients averaged over the parts of a batch. */
import { assert } from "../base/index.ts";
import { value, type Program, type Value } from "../runtime/index.ts";
import type { Loader } from "./loader.node.ts";
import type { Prepared } from "./prepare.ts";
import type { Batch } from "./recipe.ts";
import type { State } from "./run/state.node.ts";
import { slotName } from "./optimizers/update.ts";

/** The numbers of a step, before the update. */
export interface Gradients {
  /** One per trained parameter, in their order. */
  readonly gradients: readonly Float32Array[];
  readonly metrics: Readonly<Record<string, number>>;
  /** Pictures seen. */
  readonly samples: number;
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

/** Computes metrics and gradients of the next step, averaged over its parts; `memory` is for gradients, by name. */
export async function accumulate(
  program: Program,
  prepared: Prepared,
  {
    state,
    loader,
    parts,
    memory = {},
  }: { state: State; loader: Loader; parts: number; memory?: Readonly<Record<string, Value>> },
): Promise<Gradients> {
  const weights = weightsOf(state, prepared);
  const sums: Record<string, Float32Array> = {};
  let samples = 0;
  for (let part = 0; part < parts; part++) {
    const batch = await loader.next(state.step, part);
    samples += samplesIn(batch);
    // Only the first part's gradients may lie in that memory: the others are added to them.
    const into = part === 0 ? memory : {};
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
