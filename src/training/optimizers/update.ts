/** @file The update program: clipping, optimiser and averaging of every parameter as one graph. */
import { graphOf, input, scalar, type Graph, type Tensor } from "../../tensor/index.ts";
import type { Optimizer } from "./rule.ts";

/** A parameter to update: its path and shape, and its share of the learning rate. */
export interface Trained {
  readonly path: string;
  readonly shape: readonly number[];
  readonly rate: number;
}

/** Names of the program's values for one parameter; also those of the stored training state. */
export const slotName = (slot: string, path: string): string => `${slot}/${path}`;

/** Global norm over all gradients, and the factor that brings it to `max`: max/(norm + 1e-6), at most 1. */
function clipFactor(gradients: readonly Tensor[], max: number | null): [Tensor, Tensor | null] {
  const squares = gradients.map((g) => g.mul(g).sum());
  const norm = squares.reduce((a, b) => a.add(b)).sqrt();
  return [norm, max === null ? null : scalar(max).div(norm.add(1e-6)).min(1)];
}

/**
 * Inputs `value|gradient|average|SLOT/PATH` and scalars `rate`, `keep` (averaging) and the optimiser's own;
 * outputs the same values and slots after the step, and `norm`.
 */
export function updateGraph(
  trained: readonly Trained[],
  optimizer: Optimizer,
  { clip, average }: { clip: number | null; average: boolean },
): Graph {
  const rate = input("rate", []);
  const keep = input("keep", []);
  const scalars = Object.fromEntries(
    Object.keys(optimizer.scalars(1)).map((name) => [name, input(name, [])]),
  );
  const gradients = trained.map(({ path, shape }) => input(slotName("gradient", path), shape));
  const [norm, factor] = clipFactor(gradients, clip);
  const outputs: Record<string, Tensor> = { norm };
  trained.forEach(({ path, shape, rate: share }, i) => {
    const read = (slot: string, its = shape) => input(slotName(slot, path), its);
    const gradient = factor ? gradients[i].mul(factor) : gradients[i];
    const slots = Object.entries(optimizer.slots(shape));
    const state = Object.fromEntries(slots.map(([slot, its]) => [slot, read(slot, its)]));
    const own = share === 1 ? rate : rate.mul(share);
    const next = optimizer.update({ value: read("value"), gradient, state, rate: own, scalars });
    outputs[slotName("value", path)] = next.value;
    for (const [slot, tensor] of Object.entries(next.state)) outputs[slotName(slot, path)] = tensor;
    if (average) {
      const old = read("average");
      outputs[slotName("average", path)] = next.value.add(old.sub(next.value).mul(keep));
    }
  });
  return graphOf(outputs);
}
