/** @file Values on the host: a shape and the numbers, row by row. */
import { assert } from "./errors.ts";

/** Dense f32 numbers with a shape, last axis fastest. What samplers compute on. */
export interface HostArray {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Number of elements of a shape: the product of its axes, 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}

/** Checks that `data` fills `shape` and pairs them. */
export function hostArray(data: Float32Array, shape: readonly number[]): HostArray {
  assert(data.length === sizeOf(shape), `${data.length} numbers for shape [${shape.join(",")}]`);
  return { data, shape };
}
