/** @file Gradients of the ops that only move elements, copy them, or add copies up. */
import {
  applyOne,
  concat,
  enlarge,
  full,
  sumPool,
  sumTo,
  type Attrs,
  type Tensor,
} from "../tensor/index.ts";
import type { VjpRules } from "./rule.ts";

function reshapeTo(x: Tensor, shape: readonly number[]): Tensor {
  return x.shape.join() === shape.join() ? x : applyOne("Reshape", [x], { shape });
}

/** Widens one axis by zeros. */
function padAxis(x: Tensor, axis: number, begin: number, end: number): Tensor {
  const pads = x.shape.map((_, i) => (i === axis ? begin : 0));
  return x.pad([...pads, ...x.shape.map((_, i) => (i === axis ? end : 0))]);
}

/** Puts `step − 1` zeros after each element of an axis but the last. */
function spread(x: Tensor, axis: number, step: number): Tensor {
  if (step === 1 || x.shape[axis] < 2) return x;
  const length = x.shape[axis];
  const wide = padAxis(x.unsqueeze(axis + 1), axis + 1, 0, step - 1);
  const shape = x.shape.map((n, i) => (i === axis ? n * step : n));
  return reshapeTo(wide, shape).slice(axis, 0, (length - 1) * step + 1);
}

/** Puts the gradient's elements back where the slice took them from, zeros elsewhere. */
function sliceRule(g: Tensor, x: Tensor, { starts, axes, steps }: Attrs<"Slice">): Tensor {
  if (g.size === 0) return full(0, x.shape, g.dtype);
  return axes.reduce((grad, axis, i) => {
    const [count, step] = [grad.shape[axis], steps[i]];
    const ordered = step < 0 ? grad.slice(axis, count - 1, undefined, -1) : grad;
    const first = step < 0 ? starts[i] + (count - 1) * step : starts[i];
    const filled = spread(ordered, axis, Math.abs(step));
    return padAxis(filled, axis, first, x.shape[axis] - first - filled.shape[axis]);
  }, g);
}

function splitRule(
  gradients: readonly (Tensor | null)[],
  outputs: readonly Tensor[],
  axis: number,
): Tensor {
  return concat(
    outputs.map((y, i) => gradients[i] ?? full(0, y.shape, y.dtype)),
    axis,
  );
}

/** Ops that move elements: each undoes the move, and adds up what was copied. */
export const layoutRules = {
  Reshape: ([g], [x]) => [reshapeTo(g, x.shape)],
  Transpose: ([g], _, __, { perm }) => [g.transpose(...perm.map((_, i) => perm.indexOf(i)))],
  Expand: ([g], [x]) => [sumTo(g, x.shape)],
  /** Each element was copied to a block, over which the gradient is summed. */
  Enlarge: ([g], _, __, { times }) => [sumPool(g, times)],
  SumPool: ([g], _, __, { times }) => [enlarge(g, times)],
  Slice: ([g], [x], _, attrs) => [sliceRule(g, x, attrs)],
  Concat: ([g], inputs, _, { axis }) =>
    inputs.length === 1
      ? [g]
      : g.split(
          axis,
          inputs.map((x) => x.shape[axis]),
        ),
  Split: (gradients, _, outputs, { axis }) => [splitRule(gradients, outputs, axis)],
  Pad: ([g], [x], _, { pads }) => [
    x.shape.reduce((grad, n, i) => grad.slice(i, pads[i], pads[i] + n), g),
  ],
} satisfies VjpRules;
