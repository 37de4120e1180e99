/** @file What an optimiser is: state per parameter, numbers per step, and one update as a traced graph. */
import type { Tensor } from "../../tensor/index.ts";

/** One parameter's turn: its value, gradient and state, and the learning rate of this step. */
export interface Turn {
  readonly value: Tensor;
  readonly gradient: Tensor;
  readonly state: Readonly<Record<string, Tensor>>;
  readonly rate: Tensor;
  /** Numbers that change with the step, as `scalars` names them. */
  readonly scalars: Readonly<Record<string, Tensor>>;
}

/** Shapes of what is kept for one parameter, by name. */
export type Slots = Readonly<Record<string, readonly number[]>>;

/** What an optimiser keeps per parameter (from zeros), what depends on the step (counted from 1), and the update itself. */
export interface Optimizer {
  slots(this: void, shape: readonly number[]): Slots;
  scalars(this: void, step: number): Record<string, number>;
  update(this: void, turn: Turn): { value: Tensor; state: Record<string, Tensor> };
}

/** Slots of the parameter's own shape. */
export const slotsLike =
  (...names: readonly string[]) =>
  (shape: readonly number[]): Slots =>
    Object.fromEntries(names.map((name) => [name, shape]));

/** The gradient with L2 regularisation: g + decay · value. */
export function penalised({ gradient, value }: Turn, decay: number): Tensor {
  return decay === 0 ? gradient : gradient.add(value.mul(decay));
}

/** keep · old + (1 − keep) · next. */
export function blend(old: Tensor, next: Tensor, keep: number): Tensor {
  return old.mul(keep).add(next.mul(1 - keep));
}
