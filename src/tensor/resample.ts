/** @file Resizing and pooling by axes: what each place of the result takes from the input is known while tracing. */
import { RequestError } from "../base/index.ts";
import { enlarge } from "./composites.ts";
import { indices } from "./layout.ts";
import { bicubicWeights, bilinearWeights, type Weights } from "./resample-weights.ts";
import { constant, type Tensor } from "./tensor.ts";
import { perAxis } from "./windows.ts";

/** Modes that copy. */
type Nearest = "nearest" | "nearest-exact";

/** How places between the elements are filled, by the names of torch. */
export type ResizeMode = Nearest | "linear" | "bilinear" | "bicubic" | "area";

/** Either the new `size` or a `scale`, per spatial axis or one for all. */
export interface ResizeOptions {
  readonly size?: number | readonly number[];
  readonly scale?: number | readonly number[];
  readonly mode?: ResizeMode;
  /** First and last elements keep their places; for linear and bicubic. */
  readonly alignCorners?: boolean;
  /** Widens the filter when shrinking, as Pillow does; for bilinear and bicubic. */
  readonly antialias?: boolean;
}

/** y = M x along one axis, M being [out, in]. */
function alongAxis(x: Tensor, axis: number, weights: Weights): Tensor {
  const [out, length] = [weights.length, x.shape[axis]];
  if (axis === x.rank - 2)
    return constant(Float32Array.from(weights.flat()), [out, length]).cast(x.dtype).matmul(x);
  const transposed = Float32Array.from(
    { length: out * length },
    (_, i) => weights[i % out][Math.floor(i / out)],
  );
  const matrix = constant(transposed, [length, out]).cast(x.dtype);
  if (axis === x.rank - 1) return x.matmul(matrix);
  const order = x.shape.map((_, i) => (i === axis ? x.rank - 1 : i === x.rank - 1 ? axis : i));
  return x
    .transpose(...order)
    .matmul(matrix)
    .transpose(...order);
}

/** The element that each place of the result copies; coordinates in f32, as PyTorch has them. */
function nearestPlaces(length: number, out: number, scale: number, mode: Nearest): number[] {
  const step = Math.fround(scale);
  const shift = mode === "nearest-exact" ? 0.5 : 0;
  return Array.from({ length: out }, (_, i) =>
    Math.min(Math.floor(Math.fround(Math.fround(i + shift) * step)), length - 1),
  );
}

/** Copies elements to the places of each spatial axis. */
function copyTo(x: Tensor, places: readonly (readonly number[])[]): Tensor {
  const times = places.map((its, i) => {
    const count = its.length / x.shape[i + 2];
    return its.every((p, k) => p === Math.floor(k / count)) ? count : NaN;
  });
  // Whole multiples are one op that engines know, and its gradient is a sum instead of a scatter.
  if (times.every(Number.isInteger)) return enlarge(x, times);
  return places.reduce((y, its, i) => y.gather(indices(its), i + 2), x);
}

/** Adaptive average pooling's windows: place i averages [⌊i·in/out⌋, ⌈(i+1)·in/out⌉). */
function areaWeights(length: number, out: number): Weights {
  return Array.from({ length: out }, (_, i) => {
    const [from, to] = [Math.floor((i * length) / out), Math.ceil(((i + 1) * length) / out)];
    return Array.from({ length }, (_, k) => (k >= from && k < to ? 1 / (to - from) : 0));
  });
}

/** Averages over windows chosen so that the result has the given size: [N,C,…] → [N,C,…size]. */
export function adaptiveAvgPool(x: Tensor, size: number | readonly number[]): Tensor {
  return perAxis(size, x.rank - 2).reduce(
    (y, out, i) => alongAxis(y, i + 2, areaWeights(x.shape[i + 2], out)),
    x,
  );
}

/** Spatial axes of [N,C,…] resized; the rules of each mode are those of torch's `interpolate`. */
export function interpolate(x: Tensor, options: ResizeOptions): Tensor {
  const { size, scale, mode = "nearest", alignCorners = false, antialias = false } = options;
  if ((size === undefined) === (scale === undefined))
    throw new RequestError("size", "interpolate needs either a size or a scale");
  const n = x.rank - 2;
  const scales = scale === undefined ? undefined : perAxis(scale, n);
  const sizes = scales
    ? scales.map((s, i) => Math.floor(x.shape[i + 2] * s))
    : perAxis(size ?? [], n);
  // A given scale counts as it is, even where the size it leads to is rounded.
  const steps = sizes.map((out, i) => (scales ? 1 / scales[i] : x.shape[i + 2] / out));
  if (mode === "nearest" || mode === "nearest-exact")
    return copyTo(
      x,
      sizes.map((out, i) => nearestPlaces(x.shape[i + 2], out, steps[i], mode)),
    );
  return sizes.reduce((y, out, i) => {
    const [axis, length, step] = [i + 2, x.shape[i + 2], steps[i]];
    if (mode === "area") return alongAxis(y, axis, areaWeights(length, out));
    const weights = mode === "bicubic" ? bicubicWeights : bilinearWeights;
    return alongAxis(y, axis, weights({ length, out, step, alignCorners, antialias }));
  }, x);
}
