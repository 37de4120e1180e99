/** @file Normalisations that are no composites of their own: RMS and batch. */
import { variance } from "./reductions.ts";
import type { Tensor } from "./tensor.ts";

/** x / √(mean x² + eps) · weight over the last `axes` axes: Zhang and Sennrich 2019. */
export function rmsNorm(x: Tensor, weight: Tensor | null, { axes = 1, eps = 1e-6 } = {}): Tensor {
  const last = Array.from({ length: axes }, (_, i) => x.rank - axes + i);
  const scale = x.mul(x).mean(last, { keepdims: true }).add(eps).sqrt();
  const normal = x.div(scale);
  return weight ? normal.mul(weight) : normal;
}

/** Mean and variance per channel, as a batch norm keeps them between steps. */
export interface ChannelStatistics {
  readonly mean: Tensor;
  readonly variance: Tensor;
}

const channelsOf = (p: Tensor, x: Tensor) => p.reshape(1, -1, ...x.shape.slice(2).map(() => 1));

/** (x − mean) / √(variance + eps) · weight + bias per channel of [N,C,…], with statistics known beforehand. */
export function batchNorm(
  x: Tensor,
  { mean, variance }: ChannelStatistics,
  affine: { weight: Tensor | null; bias: Tensor | null; eps?: number },
): Tensor {
  const { weight, bias, eps = 1e-5 } = affine;
  const scale = variance.add(eps).sqrt().reciprocal();
  const normal = x.sub(channelsOf(mean, x)).mul(channelsOf(weight ? scale.mul(weight) : scale, x));
  return bias ? normal.add(channelsOf(bias, x)) : normal;
}

/** Statistics of a batch per channel, biased: what training normalises with (Ioffe and Szegedy 2015). */
export function batchStatistics(x: Tensor): ChannelStatistics {
  const axes = x.shape.flatMap((_, i) => (i === 1 ? [] : [i]));
  return { mean: x.mean(axes), variance: variance(x, { axes, correction: 0 }) };
}

/** Running statistics after a batch: (1 − momentum) · old + momentum · batch, with the unbiased variance. */
export function updateStatistics(
  old: ChannelStatistics,
  x: Tensor,
  momentum = 0.1,
): ChannelStatistics {
  const { mean, variance } = batchStatistics(x);
  const count = x.size / x.shape[1];
  const blend = (a: Tensor, b: Tensor, share: number) => a.mul(1 - momentum).add(b.mul(share));
  return {
    mean: blend(old.mean, mean, momentum),
    variance: blend(old.variance, variance, (momentum * count) / (count - 1)),
  };
}
