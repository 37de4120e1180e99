/** @file Statistics, norms, scans and order statistics along axes. */
import { RequestError } from "../base/index.ts";
import { axisOf } from "./broadcast.ts";
import { concat, detach, full } from "./composites.ts";
import { lift, type Tensor } from "./tensor.ts";

/** Which axes to reduce (all when left out), and whether they stay with length 1. */
export interface ReduceOptions {
  readonly axes?: readonly number[];
  readonly keepdims?: boolean;
}

function lengthOf(x: Tensor, axes: readonly number[] | undefined): number {
  if (!axes) return x.size;
  return axes.reduce((product, a) => product * x.shape[axisOf(a, x.rank, "reduction")], 1);
}

/** Σ (x − mean)² / (n − correction); correction 0 gives the biased estimate. */
export function variance(
  x: Tensor,
  { axes, keepdims = false, correction = 1 }: ReduceOptions & { correction?: number } = {},
): Tensor {
  const centred = x.sub(x.mean(axes, { keepdims: true }));
  const sum = centred.mul(centred).sum(axes, { keepdims });
  return sum.mul(1 / (lengthOf(x, axes) - correction));
}

/** √variance. */
export function std(x: Tensor, options: ReduceOptions & { correction?: number } = {}): Tensor {
  return variance(x, options).sqrt();
}

/** Euclidean norm √Σx²; its derivative at 0 is 0. */
export function norm(x: Tensor, { axes, keepdims = false }: ReduceOptions = {}): Tensor {
  const sum = x.mul(x).sum(axes, { keepdims });
  const nought = sum.equal(0);
  const safe = nought.where(lift(1, sum), sum).sqrt();
  return nought.where(lift(0, sum), safe);
}

/** x / max(‖x‖, eps) along `axis`. */
export function normalize(x: Tensor, axis = -1, eps = 1e-12): Tensor {
  return x.div(norm(x, { axes: [axis], keepdims: true }).max(eps));
}

/** log Σ eˣ along `axis`, with the maximum taken out first. */
export function logSumExp(x: Tensor, axis: number, { keepdims = false } = {}): Tensor {
  const top = detach(x.reduceMax([axis], { keepdims: true }));
  const sum = x.sub(top).exp().sum([axis], { keepdims: true }).log().add(top);
  return keepdims ? sum : sum.squeeze(axis);
}

/** log softmax(x) = x − log Σ eˣ along `axis`. */
export function logSoftmax(x: Tensor, axis = -1): Tensor {
  return x.sub(logSumExp(x, axis, { keepdims: true }));
}

/** Product along `axis`, by halving: log₂ n multiplications deep, and exact zeros do no harm to the gradient. */
export function prod(x: Tensor, axis: number): Tensor {
  let left = x;
  while (left.shape[axisOf(axis, x.rank, "prod")] > 1) {
    const length = left.shape[axisOf(axis, x.rank, "prod")];
    const half = Math.floor(length / 2);
    const pairs = left.slice(axis, 0, half).mul(left.slice(axis, half, 2 * half));
    left = length % 2 ? concat([pairs, left.slice(axis, length - 1)], axis) : pairs;
  }
  return left.squeeze(axis);
}

/** Products of the first 1, 2, 3, … elements along `axis`, in log₂ n passes (Hillis and Steele 1986). */
export function cumProd(x: Tensor, axis: number): Tensor {
  const a = axisOf(axis, x.rank, "cumProd");
  let y = x;
  for (let reach = 1; reach < x.shape[a]; reach *= 2) {
    const ones = full(
      1,
      x.shape.map((n, i) => (i === a ? reach : n)),
      x.dtype,
    );
    y = y.mul(concat([ones, y.slice(a, 0, x.shape[a] - reach)], a));
  }
  return y;
}

/** All elements along `axis` in order, with their i64 places. */
export function sort(
  x: Tensor,
  { axis = -1, order = "ascending" }: { axis?: number; order?: "ascending" | "descending" } = {},
): [values: Tensor, indices: Tensor] {
  const length = x.shape[axisOf(axis, x.rank, "sort")];
  return x.topK(length, { axis, largest: order === "descending" });
}

/** The value below which a share `q` of the elements along `axis` lies, linear between neighbours. */
export function quantile(x: Tensor, q: number, axis: number): Tensor {
  if (!(q >= 0 && q <= 1)) throw new RequestError("q", `must be between 0 and 1, got ${q}`);
  const length = x.shape[axisOf(axis, x.rank, "quantile")];
  const place = q * (length - 1);
  const below = Math.floor(place);
  const [sorted] = x.topK(Math.min(below + 2, length), { axis, largest: false });
  const low = sorted.slice(axis, below, below + 1).squeeze(axis);
  if (place === below) return low;
  const high = sorted.slice(axis, below + 1, below + 2).squeeze(axis);
  return low.add(high.sub(low).mul(place - below));
}
