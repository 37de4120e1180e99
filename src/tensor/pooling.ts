/** @file Pooling over sliding windows, from one slice per offset of the window. */
import { sizeOf } from "../base/index.ts";
import { constant, type Tensor } from "./tensor.ts";
import { offsetsOf, perAxis, windows, type WindowOptions } from "./windows.ts";

function withStride(options: WindowOptions): WindowOptions {
  return { ...options, stride: options.stride ?? options.kernel };
}

/** The largest element of each window; equals share the gradient. The stride defaults to the kernel. */
export function maxPool(x: Tensor, options: WindowOptions): Tensor {
  return windows(x, withStride(options), -Infinity).reduce((a, b) => a.max(b));
}

/** How many elements of the input, padding left out, each window along one axis sees. */
function seen(length: number, out: number, k: number, stride: number, padding: number): number[] {
  return Array.from({ length: out }, (_, i) => {
    const from = i * stride - padding;
    return Math.min(from + k, length) - Math.max(from, 0);
  });
}

/** The mean of each window; padding counts as zeros among them or not at all. */
export function avgPool(
  x: Tensor,
  options: WindowOptions & { readonly count?: "padding" | "elements" },
): Tensor {
  const n = x.rank - 2;
  const kernel = perAxis(options.kernel, n);
  const sum = windows(x, withStride(options)).reduce((a, b) => a.add(b));
  if (options.count !== "elements") return sum.mul(1 / sizeOf(kernel));
  const [stride, padding] = [options.stride ?? kernel, options.padding ?? 0].map((v) =>
    perAxis(v, n),
  ) as [readonly number[], readonly number[]];
  const space = sum.shape.slice(2);
  const counts = space.map((out, i) => seen(x.shape[i + 2], out, kernel[i], stride[i], padding[i]));
  const shares = offsetsOf(space).map(
    (place) => 1 / place.reduce((p, o, i) => p * counts[i][o], 1),
  );
  return sum.mul(constant(Float32Array.from(shares), space).cast(x.dtype));
}
