/** @file Losses: how far a prediction is from its target, each by its textbook formula. */
import { relu, softplus, square } from "./activations.ts";
import { logSoftmax } from "./reductions.ts";
import type { Tensor } from "./tensor.ts";

/** What becomes of the elements' losses. */
export type Reduction = "mean" | "sum" | "none";

function reduced(x: Tensor, reduction: Reduction): Tensor {
  return reduction === "none" ? x : reduction === "sum" ? x.sum() : x.mean();
}

/** (x − target)². */
export function mse(x: Tensor, target: Tensor, reduction: Reduction = "mean"): Tensor {
  return reduced(square(x.sub(target)), reduction);
}

/** |x − target|. */
export function l1(x: Tensor, target: Tensor, reduction: Reduction = "mean"): Tensor {
  return reduced(x.sub(target).abs(), reduction);
}

/** d²/2 up to |d| = delta, then the straight line delta · (|d| − delta/2): Huber 1964. */
export function huber(
  x: Tensor,
  target: Tensor,
  { delta = 1, reduction = "mean" }: { delta?: number; reduction?: Reduction } = {},
): Tensor {
  const d = x.sub(target);
  const far = d.abs();
  const line = far.sub(delta / 2).mul(delta);
  return reduced(far.greater(delta).where(line, d.mul(d).mul(0.5)), reduction);
}

/** Huber's loss over beta: slope 1 in the far part. */
export function smoothL1(
  x: Tensor,
  target: Tensor,
  { beta = 1, reduction = "mean" }: { beta?: number; reduction?: Reduction } = {},
): Tensor {
  return huber(x, target, { delta: beta, reduction }).mul(1 / beta);
}

/** √(d² + c²) − c: Song and Dhariwal 2023. */
export function pseudoHuber(
  x: Tensor,
  target: Tensor,
  { c, reduction = "mean" }: { c: number; reduction?: Reduction },
): Tensor {
  const d = x.sub(target);
  return reduced(
    d
      .mul(d)
      .add(c * c)
      .sqrt()
      .sub(c),
    reduction,
  );
}

/** −t log σ(x) − (1 − t) log(1 − σ(x)) = softplus(x) − x t. */
export function bceWithLogits(x: Tensor, target: Tensor, reduction: Reduction = "mean"): Tensor {
  return reduced(softplus(x).sub(x.mul(target)), reduction);
}

/** −log softmax(x)[target] over axis 1 of [N,classes,…]; smoothing mixes in the mean over all classes. */
export function crossEntropy(
  x: Tensor,
  target: Tensor,
  options: { labelSmoothing?: number; reduction?: Reduction } = {},
): Tensor {
  const { labelSmoothing = 0, reduction = "mean" } = options;
  const logs = logSoftmax(x, 1);
  const own = logs.gatherElements(target.unsqueeze(1), 1).squeeze(1).neg();
  if (labelSmoothing === 0) return reduced(own, reduction);
  const even = logs.mean([1]).neg();
  return reduced(own.mul(1 - labelSmoothing).add(even.mul(labelSmoothing)), reduction);
}

/** A normal distribution by its mean and the logarithm of its variance. */
export interface Gaussian {
  readonly mean: Tensor;
  readonly logVariance: Tensor;
}

/** KL(p ‖ N(0,1)) per element: ½ (mean² + var − 1 − log var). */
export function klToStandard({ mean, logVariance }: Gaussian): Tensor {
  return mean.mul(mean).add(logVariance.exp()).sub(1).sub(logVariance).mul(0.5);
}

/** KL(p ‖ q) per element: ½ (−1 + log(var₂/var₁) + var₁/var₂ + (mean₁ − mean₂)²/var₂). */
export function klOfGaussians(p: Gaussian, q: Gaussian): Tensor {
  const ratio = q.logVariance.sub(p.logVariance);
  const distance = square(p.mean.sub(q.mean)).mul(q.logVariance.neg().exp());
  return ratio.add(ratio.neg().exp()).add(distance).sub(1).mul(0.5);
}

/** The discriminator's hinge loss: mean relu(1 − real) + mean relu(1 + fake). */
export function hingeLoss(real: Tensor, fake: Tensor): Tensor {
  return relu(real.neg().add(1))
    .mean()
    .add(relu(fake.add(1)).mean());
}

/** Gram matrix of [N,C,H,W] over positions, divided by their number: Gatys et al. 2015. */
export function gram(x: Tensor): Tensor {
  const flat = x.reshape(x.shape[0], x.shape[1], -1);
  return flat.matmul(flat.transpose()).mul(1 / flat.shape[2]);
}
