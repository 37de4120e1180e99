/** @file The end of a step as two graphs: the norm of all gradients; then clipping, optimiser and averaging of every parameter. */
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

const gradientOf = ({ path, shape }: Trained) => input(slotName("gradient", path), shape);

/** Inputs `gradient/PATH`, output `norm`: the root of the sum of all their squares. */
export function normGraph(trained: readonly Trained[]): Graph {
  const squares = trained.map(gradientOf).map((g) => g.mul(g).sum());
  return graphOf({ norm: squares.reduce((a, b) => a.add(b)).sqrt() });
}

/**
 * Inputs `value|gradient|average|SLOT/PATH` and scalars `rate`, `keep` (averaging), `norm` where gradients are clipped, and
 * the optimiser's own; outputs the same values and slots after the step. A norm above `clip` scales all gradients by
 * clip/(norm + 1e-6), as torch does.
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
  const factor = clip === null ? null : scalar(clip).div(input("norm", []).add(1e-6)).min(1);
  const outputs: Record<string, Tensor> = {};
  for (const one of trained) {
    const { path, shape, rate: share } = one;
    const read = (slot: string, its = shape) => input(slotName(slot, path), its);
    const given = gradientOf(one);
    const gradient = factor ? given.mul(factor) : given;
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
  }
  return graphOf(outputs);
}
