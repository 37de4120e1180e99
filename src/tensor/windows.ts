/** @file Sliding windows without a kernel of their own: one strided slice per offset within the window. */
import { windowLength } from "./broadcast.ts";
import type { Tensor } from "./tensor.ts";

/** A window over the spatial axes of [N,C,…]; `padding` widens both sides of each. */
export interface WindowOptions {
  readonly kernel: number | readonly number[];
  readonly stride?: number | readonly number[];
  readonly padding?: number | readonly number[];
  readonly dilation?: number | readonly number[];
}

/** One number for every spatial axis, or one each. */
export function perAxis(value: number | readonly number[], axes: number): readonly number[] {
  return typeof value === "number" ? Array<number>(axes).fill(value) : value;
}

/** Every index of an array of this shape, last axis fastest. */
export function offsetsOf(shape: readonly number[]): number[][] {
  return shape.reduce<number[][]>(
    (list, size) => list.flatMap((o) => Array.from({ length: size }, (_, i) => [...o, i])),
    [[]],
  );
}

/** What each offset of the kernel sees of x, in kernel order: tensors [N,C,…positions]. */
export function windows(x: Tensor, options: WindowOptions, value = 0): Tensor[] {
  const n = x.rank - 2;
  const kernel = perAxis(options.kernel, n);
  const stride = perAxis(options.stride ?? 1, n);
  const padding = perAxis(options.padding ?? 0, n);
  const dilation = perAxis(options.dilation ?? 1, n);
  const padded = x.pad([0, 0, ...padding, 0, 0, ...padding], value);
  const counts = kernel.map((k, i) =>
    windowLength(x.shape[i + 2], {
      kernel: k,
      stride: stride[i],
      dilation: dilation[i],
      pad: 2 * padding[i],
    }),
  );
  return offsetsOf(kernel).map((offset) =>
    offset.reduce((seen, o, i) => {
      const start = o * dilation[i];
      return seen.slice(i + 2, start, start + (counts[i] - 1) * stride[i] + 1, stride[i]);
    }, padded),
  );
}
