/** @file The arithmetic of samplers on host arrays: sums are taken in f64 and rounded to f32 once. */
import { hostArray, ShapeError, sizeOf, type HostArray } from "../base/index.ts";

/** A summand of `combine`: a factor and what it multiplies. */
export type Term = readonly [factor: number, array: HostArray];

/** Σ factor·array. A factor of 0 drops its summand, whatever that holds. */
export function combine(first: Term, ...rest: readonly Term[]): HostArray {
  const { shape } = first[1];
  const sum = new Float64Array(sizeOf(shape));
  for (const [factor, array] of [first, ...rest]) {
    if (array.data.length !== sum.length) {
      throw new ShapeError(
        `combine: cannot add shapes [${shape.join(",")}] and [${array.shape.join(",")}]`,
      );
    }
    if (factor !== 0) array.data.forEach((value, i) => (sum[i] += factor * value));
  }
  return hostArray(Float32Array.from(sum), shape);
}

/** Applies `change` to every number. */
export function mapValues(x: HostArray, change: (value: number) => number): HostArray {
  return hostArray(x.data.map(change), x.shape);
}

/** The rows of the first axis, as views without copying. */
export function rowsOf(x: HostArray): Float32Array[] {
  const rows = x.shape[0] ?? 1;
  const width = x.data.length / rows;
  return Array.from({ length: rows }, (_, row) => x.data.subarray(row * width, (row + 1) * width));
}

/** Puts rows back under one another: the inverse of `rowsOf`. */
export function fromRows(rows: readonly Float32Array[], shape: readonly number[]): HostArray {
  const data = new Float32Array(sizeOf(shape));
  let offset = 0;
  for (const row of rows) {
    data.set(row, offset);
    offset += row.length;
  }
  return hostArray(data, shape);
}

/** Cuts [N, C, …] after `channels` channels; the second part is null if nothing is left. */
export function splitChannels(x: HostArray, channels: number): [HostArray, HostArray | null] {
  const [batch, all, ...space] = x.shape;
  if (all === channels) return [x, null];
  if (!(all > channels)) {
    throw new ShapeError(
      `the network gave ${all} channels for a sample of ${channels} (output [${x.shape.join(",")}])`,
    );
  }
  const cut = channels * sizeOf(space);
  const rows = rowsOf(x);
  return [
    fromRows(
      rows.map((row) => row.subarray(0, cut)),
      [batch, channels, ...space],
    ),
    fromRows(
      rows.map((row) => row.subarray(cut)),
      [batch, all - channels, ...space],
    ),
  ];
}

/** a·b, number by number. */
export function multiply(a: HostArray, b: HostArray): HostArray {
  if (a.data.length !== b.data.length) {
    throw new ShapeError(
      `multiply: shapes [${a.shape.join(",")}] and [${b.shape.join(",")}] differ`,
    );
  }
  return hostArray(
    a.data.map((value, i) => value * b.data[i]),
    a.shape,
  );
}
