/** @file Undoing a broadcast: the sums that bring a gradient back to an operand's shape. */
import { assert } from "../base/index.ts";
import type { Tensor } from "./tensor.ts";

/** Sums `x` over every axis along which a tensor of `shape` was repeated to reach `x.shape`. */
export function sumTo(x: Tensor, shape: readonly number[]): Tensor {
  const lead = x.rank - shape.length;
  assert(lead >= 0, `[${x.shape.join(",")}] is no broadcast of [${shape.join(",")}]`);
  const axes = x.shape.flatMap((n, i) =>
    i < lead || (shape[i - lead] === 1 && n !== 1) ? [i] : [],
  );
  const summed = axes.length ? x.sum(axes, { keepdims: true }) : x;
  return lead ? summed.reshape(...shape) : summed;
}
