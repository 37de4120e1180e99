/** @file Gradients of matrix products: linear layers, batched products, attention. */
import {
  causalMask,
  softmax,
  splitHeads,
  sumTo,
  type Attrs,
  type Inputs,
  type Tensor,
} from "../tensor/index.ts";
import type { VjpRules } from "./rule.ts";

/** All axes but the last as one. */
function rows(x: Tensor): Tensor {
  return x.reshape(-1, x.shape[x.rank - 1]);
}

function matMulRule(g: Tensor, a: Tensor, b: Tensor): Tensor[] {
  const toA = sumTo(g.matmul(b.transpose()), a.shape);
  // One large product over all rows beats a product per batch and a sum.
  const toB =
    b.rank === 2 ? rows(a).transpose().matmul(rows(g)) : sumTo(a.transpose().matmul(g), b.shape);
  return [toA, toB];
}

/**
 * With P = softmax(q kᵀ · scale + mask) recomputed and O = P v:
 * dv = Pᵀ dO, dS = P (dO vᵀ − Σ dO · O), dq = dS k · scale, dk = dSᵀ q · scale. Dao et al. 2022, B.2.
 */
function attentionRule(
  g: Tensor,
  [q, k, v, mask]: Inputs<"Attention", Tensor>,
  output: Tensor,
  { heads, scale, causal }: Attrs<"Attention">,
): (Tensor | null)[] {
  const [qh, kh, vh, gh, oh] = [q.mul(scale), k, v, g, output].map((x) => splitHeads(x, heads));
  let scores = qh.matmul(kh.transpose()); // [B,H,S,L]
  if (causal) scores = scores.add(causalMask(q.shape[1], k.shape[1], q.dtype));
  if (mask) scores = scores.add(mask);
  const weights = softmax(scores, -1);
  const towards = gh.mul(oh).sum([-1], { keepdims: true }); // [B,H,S,1]
  const toScores = weights.mul(gh.matmul(vh.transpose()).sub(towards));
  const join = (x: Tensor) => x.transpose(0, 2, 1, 3).reshape(0, 0, -1);
  return [
    join(toScores.matmul(kh)).mul(scale),
    join(toScores.transpose().matmul(qh)),
    join(weights.transpose().matmul(gh)),
    mask && sumTo(toScores, mask.shape),
  ];
}

/** Matrix products and attention. */
export const productRules = {
  MatMul: ([g], [a, b]) => matMulRule(g, a, b),
  Linear: ([g], [x, weight, bias]) => {
    const flat = rows(g);
    return [
      flat.matmul(weight).reshape(...x.shape),
      flat.transpose().matmul(rows(x)),
      bias && flat.sum([0]),
    ];
  },
  Attention: ([g], inputs, [y], attrs) => attentionRule(g, inputs, y, attrs),
} satisfies VjpRules;
