/** @file Gradients of the normalisations, arranged for few passes over the full-size tensors. */
import { deviations, type Attrs, type Inputs, type Tensor } from "../tensor/index.ts";
import type { VjpRules } from "./rule.ts";

/** x − mean and 1 / √(variance + eps) over `axes`. */
function centre(x: Tensor, axes: readonly number[], eps: number): [centred: Tensor, rstd: Tensor] {
  const [centred, deviation] = deviations(x, axes, eps);
  return [centred, deviation.reciprocal()];
}

/**
 * With x̂ = (x − mean) · r: dx = r (g·w − mean(g·w) − x̂ · mean(g·w·x̂)), dw = Σ g·x̂, db = Σ g.
 * Means weighted by w are products with w as a column. The rows keep their axes: OpenVINO 2026.4 cannot fuse what
 * follows where they are made one.
 */
function layerNormRule(
  g: Tensor,
  [x, weight, bias]: Inputs<"LayerNorm", Tensor>,
  { axes, eps }: Attrs<"LayerNorm">,
): (Tensor | null)[] {
  const asTheyAre = axes === 1 && x.rank > 1;
  const rows = asTheyAre ? x.shape.slice(0, -1) : [-1];
  const width = x.shape.slice(x.rank - axes).reduce((product, n) => product * n, 1);
  const asRows = (t: Tensor) => (asTheyAre ? t : t.reshape(...rows, width));
  const over = rows.map((_, i) => i);
  const rowsOfG = asRows(g);
  const [centred, rstd] = centre(asRows(x), [rows.length], eps);
  const normal = centred.mul(rstd);
  const slope = rowsOfG.mul(normal);
  const weightedMean = (t: Tensor) =>
    weight
      ? t.matmul(weight.reshape(width, 1)).mul(1 / width)
      : t.mean([rows.length], { keepdims: true });
  const weighted = weight ? rowsOfG.mul(weight.reshape(width)) : rowsOfG;
  const toX = weighted
    .sub(weightedMean(rowsOfG))
    .sub(normal.mul(weightedMean(slope)))
    .mul(rstd);
  return [
    toX.reshape(...x.shape),
    weight && slope.sum(over).reshape(...weight.shape),
    bias && rowsOfG.sum(over).reshape(...bias.shape),
  ];
}

/**
 * The same with everything but g and x − mean gathered per channel or per group, which is tiny:
 * dx = g · (w r) − (x − mean) · r² mean(g·w·x̂)… − r · mean(g·w).
 */
function groupNormRule(
  g: Tensor,
  [x, weight, bias]: Inputs<"GroupNorm", Tensor>,
  { groups, eps }: Attrs<"GroupNorm">,
): (Tensor | null)[] {
  const [batch, channels] = x.shape as [number, number];
  const split = [batch, groups, channels / groups, -1]; // [N,G,C/G,positions]
  const flat = g.reshape(...split);
  const [centred, rstd] = centre(x.reshape(...split), [2, 3], eps); // rstd [N,G,1,1]
  const w = weight?.reshape(1, groups, channels / groups, 1) ?? null;
  const perChannel = flat.sum([3], { keepdims: true }); // Σ g, [N,G,C/G,1]
  const slopes = flat.mul(centred).sum([3], { keepdims: true }); // Σ g · (x − mean)
  const count = x.size / (batch * groups);
  const overGroup = (t: Tensor) => (w ? t.mul(w) : t).sum([2], { keepdims: true }).mul(1 / count);
  const scale = w ? rstd.mul(w) : rstd;
  const pull = overGroup(slopes).mul(rstd).mul(rstd).mul(rstd);
  const shift = overGroup(perChannel).mul(rstd);
  const toX = flat.mul(scale).sub(centred.mul(pull).add(shift));
  return [
    toX.reshape(...x.shape),
    weight && slopes.mul(rstd).sum([0]).reshape(channels),
    bias && perChannel.sum([0]).reshape(channels),
  ];
}

/** Normalisations, from the mean and the deviation that they divide by. */
export const normRules = {
  LayerNorm: ([g], inputs, _, attrs) => layerNormRule(g, inputs, attrs),
  GroupNorm: ([g], inputs, _, attrs) => groupNormRule(g, inputs, attrs),
} satisfies VjpRules;
