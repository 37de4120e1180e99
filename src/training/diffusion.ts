/** @file The diffusion objective: which timesteps, what the network is asked for, how much each counts. */
import { minSnrWeight, snr } from "../schedulers/index.ts";
import type { Tensor } from "../tensor/index.ts";

/** What the network predicts, by diffusers' names. */
export type PredictionType = "epsilon" | "v_prediction" | "sample";

/** ᾱ-dependent numbers of one batch row: √ᾱ, √(1−ᾱ) and the loss weight. */
export interface Level {
  readonly alpha: number;
  readonly sigma: number;
  readonly weight: number;
}

/** How a picture's loss is weighted by its signal-to-noise ratio. */
export type Weighting =
  | { readonly kind: "none" }
  /** Hang et al. 2023: min(snr, γ) in terms of x0, divided for other predictions. */
  | { readonly kind: "minSnr"; readonly gamma: number }
  /** min(snr + 1, γ) in terms of x0: does not vanish at the noisiest steps. */
  | { readonly kind: "minSnrPlusOne"; readonly gamma: number };

/** Weight of one picture's mean square error. */
export function lossWeight(
  alphaBar: number,
  prediction: PredictionType,
  weighting: Weighting,
): number {
  if (weighting.kind === "none") return 1;
  const { gamma } = weighting;
  if (weighting.kind === "minSnr") return minSnrWeight(alphaBar, { gamma, prediction });
  const ratio = snr(alphaBar);
  const clean = Math.min(ratio + 1, gamma);
  if (prediction === "sample") return clean;
  return clean / (prediction === "epsilon" ? ratio : ratio + 1);
}

/** Levels of a batch from its timesteps. */
export function levelsOf(
  timesteps: readonly number[],
  alphaBars: Float32Array,
  prediction: PredictionType,
  weighting: Weighting,
): Level[] {
  return timesteps.map((t) => ({
    alpha: Math.sqrt(alphaBars[t]),
    sigma: Math.sqrt(1 - alphaBars[t]),
    weight: lossWeight(alphaBars[t], prediction, weighting),
  }));
}

/** Timesteps of a batch: a share of it uniform in [from, steps), the rest anywhere; one stratum per row. */
export function stratifiedTimesteps(
  uniform: readonly number[],
  { steps, share, from }: { steps: number; share: number; from: number },
): number[] {
  const late = Math.round(share * uniform.length);
  return uniform.map((u, i) => {
    const [row, rows] = i < late ? [i, late] : [i - late, uniform.length - late];
    const place = (row + u) / rows;
    const low = i < late ? from : 0;
    return Math.min(steps - 1, Math.floor(low + place * (steps - low)));
  });
}

/** x_t = α x0 + σ n, rows of [B,…] each with its own α and σ of [B]. */
export function addNoise(clean: Tensor, noise: Tensor, alpha: Tensor, sigma: Tensor): Tensor {
  return perRow(alpha, clean).mul(clean).add(perRow(sigma, clean).mul(noise));
}

/** What the network should answer: the noise, v = α n − σ x0 (Salimans & Ho 2022), or the clean picture. */
export function target(
  prediction: PredictionType,
  { clean, noise, alpha, sigma }: Record<"clean" | "noise" | "alpha" | "sigma", Tensor>,
): Tensor {
  if (prediction === "epsilon") return noise;
  if (prediction === "sample") return clean;
  return perRow(alpha, clean).mul(noise).sub(perRow(sigma, clean).mul(clean));
}

/** Mean over rows of weight · (mean square of the row's difference). */
export function weightedMse(predicted: Tensor, wanted: Tensor, weight: Tensor): Tensor {
  const difference = predicted.sub(wanted);
  const rows = difference.mul(difference).reshape(wanted.shape[0], -1).mean([1]);
  return rows.mul(weight).mean();
}

function perRow(factor: Tensor, like: Tensor): Tensor {
  return factor.reshape(-1, ...like.shape.slice(1).map(() => 1));
}
