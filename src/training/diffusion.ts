/** @file The diffusion objective: which timesteps, what the network is asked for, how much each counts. */
import { RequestError } from "../base/index.ts";
import type { Mix, PredictionName } from "../schedulers/index.ts";
import type { Tensor } from "../tensor/index.ts";

/** What a network is trained to predict from x = √ᾱ x0 + √(1−ᾱ) n, by diffusers' names. */
export type PredictionType = Exclude<PredictionName, "flow_prediction">;

/** How one row of a batch is noised, α = √ᾱ and σ = √(1−ᾱ), and how much its loss counts. */
export interface WeightedMix extends Mix {
  readonly weight: number;
}

/** How a picture's loss is weighted by its signal-to-noise ratio SNR = ᾱ/(1−ᾱ), in terms of x0. */
export type Weighting =
  | { readonly kind: "none" }
  /** min(SNR, γ): Hang et al. 2023. */
  | { readonly kind: "minSnr"; readonly gamma: number }
  /** min(SNR + 1, γ): does not vanish at the noisiest steps. */
  | { readonly kind: "minSnrPlusOne"; readonly gamma: number };

/**
 * Weight of one picture's mean square error: that on x0, divided by what the prediction already weighs it with, which
 * is SNR for ε and SNR + 1 for v. At SNR 0 the weight of ε is its limit: 1 by min(SNR, γ), none by min(SNR + 1, γ).
 */
export function lossWeight(
  alphaBar: number,
  prediction: PredictionType,
  weighting: Weighting,
): number {
  if (weighting.kind === "none") return 1;
  const snr = alphaBar / (1 - alphaBar);
  const clean = Math.min(weighting.kind === "minSnr" ? snr : snr + 1, weighting.gamma);
  switch (prediction) {
    case "sample":
      return clean;
    case "v_prediction":
      return clean / (snr + 1);
    case "epsilon":
      if (snr > 0) return clean / snr;
      if (weighting.kind === "minSnr") return 1;
      throw new RequestError("weighting", "minSnrPlusOne gives ε no finite weight at ᾱ = 0", {
        hint: "take minSnr, or let the network predict v or the sample",
      });
  }
}

/** Mixes of a batch from its timesteps. */
export function mixesOf(
  timesteps: readonly number[],
  alphaBars: Float32Array,
  prediction: PredictionType,
  weighting: Weighting,
): WeightedMix[] {
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
