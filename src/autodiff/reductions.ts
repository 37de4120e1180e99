/** @file Gradients of reductions, scans and selections along an axis. */
import { applyOne, full, type Attrs, type Tensor } from "../tensor/index.ts";
import type { VjpRules } from "./rule.ts";

/** A reduced tensor with its reduced axes back, of length 1. */
function withAxes(y: Tensor, x: Tensor, axes: readonly number[]): Tensor {
  return y.reshape(...x.shape.map((n, i) => (axes.includes(i) ? 1 : n)));
}

/** Equals share the gradient evenly, as in torch's amax. */
function extremumRule(g: Tensor, x: Tensor, y: Tensor, { axes }: Attrs<"ReduceMax">): Tensor {
  const winners = x.equal(withAxes(y, x, axes)).cast(g.dtype);
  return winners.mul(withAxes(g, x, axes).div(winners.sum(axes, { keepdims: true })));
}

/** Adds `updates` into zeros of `like`'s shape, element by element along `axis`. */
function scatter(like: Tensor, indices: Tensor, updates: Tensor, axis: number): Tensor {
  const zeros = full(0, like.shape, updates.dtype);
  return applyOne("ScatterElements", [zeros, indices, updates], { axis });
}

/** Adds each gradient row to the row of x it was gathered from. */
function gatherRule(g: Tensor, x: Tensor, indices: Tensor, axis: number): Tensor {
  // Index axes first, so that rows are whole: [before, ids, after] → [ids, before, after].
  const ids = Array.from({ length: indices.rank }, (_, i) => axis + i);
  const others = g.shape.flatMap((_, i) => (ids.includes(i) ? [] : [i]));
  const rows = g.transpose(...ids, ...others);
  const shape = [x.shape[axis], ...others.map((i) => g.shape[i])];
  const zeros = full(0, shape, g.dtype);
  const summed = applyOne("ScatterND", [zeros, indices.cast("i64"), rows], {});
  const back = x.shape.map((_, i) => (i === axis ? 0 : i < axis ? i + 1 : i));
  return summed.transpose(...back);
}

/** Ops along axes: gradients go back to every element that was taken in. */
export const reductionRules = {
  ReduceSum: ([g], [x], _, { axes }) => [withAxes(g, x, axes).expand(...x.shape)],
  ReduceMean: ([g], [x], [y], { axes }) => {
    const share = g.mul(y.size / x.size);
    return [withAxes(share, x, axes).expand(...x.shape)];
  },
  ReduceMax: ([g], [x], [y], attrs) => [extremumRule(g, x, y, attrs)],
  ReduceMin: ([g], [x], [y], attrs) => [extremumRule(g, x, y, attrs)],
  ArgMax: () => [null],
  TopK: ([g], [x], [, indices], { axis }) => [g ? scatter(x, indices, g, axis) : null],
  CumSum: ([g], _, __, { axis, exclusive, reverse }) => [
    g.cumSum(axis, { exclusive, reverse: !reverse }),
  ],
  Gather: ([g], [x, indices], _, { axis }) => [gatherRule(g, x, indices, axis), null],
  GatherElements: ([g], [x, indices], _, { axis }) => [scatter(x, indices, g, axis), null],
  ScatterElements: ([g], [, indices], _, { axis }) => [g, null, g.gatherElements(indices, axis)],
  ScatterND: ([g], [, indices]) => [g, null, g.gather(indices)],
  Softmax: ([g], _, [y], { axis }) => [y.mul(g.sub(g.mul(y).sum([axis], { keepdims: true })))],
} satisfies VjpRules;
