/** @file What the network predicts: the noise, the image, a velocity; each turned into image and noise. */
import type { HostArray } from "../base/index.ts";
import { combine } from "./arithmetic.ts";
import type { Mix } from "./sampler.ts";

/** Reads a network's output for x = alpha·x0 + sigma·n. */
export type Prediction = (
  output: HostArray,
  x: HostArray,
  mix: Mix,
) => { denoised: HostArray; noise: HostArray };

/** Names of the predictions, as `prediction_type` spells them. */
export type PredictionName = "epsilon" | "sample" | "v_prediction" | "flow_prediction";

/** The noise in x: n = (x - α x0)/σ. */
export function noiseFrom(denoised: HostArray, x: HostArray, { alpha, sigma }: Mix): HostArray {
  return combine([1 / sigma, x], [-alpha / sigma, denoised]);
}

/** The network predicts n (Ho et al. 2020): x0 = (x - σ n)/α. */
const epsilon: Prediction = (output, x, { alpha, sigma }) => ({
  denoised: combine([1 / alpha, x], [-sigma / alpha, output]),
  noise: output,
});

/** The network predicts x0. */
const sample: Prediction = (output, x, mix) => ({
  denoised: output,
  noise: noiseFrom(output, x, mix),
});

/**
 * The network predicts v = α n - σ x0 of x at unit variance (Salimans and Ho 2022): x0 = α x - σ v, n = σ x + α v.
 * `norm` brings x of any scaling to unit variance.
 */
const velocity: Prediction = (output, x, mix) => {
  const norm = Math.hypot(mix.alpha, mix.sigma);
  const [alpha, sigma] = [mix.alpha / norm, mix.sigma / norm];
  return {
    denoised: combine([alpha / norm, x], [-sigma, output]),
    noise: combine([sigma / norm, x], [alpha, output]),
  };
};

/** The network predicts n - x0 of x = (1 - σ) x0 + σ n: x0 = x - σ v, n = x + (1 - σ) v. */
const flowVelocity: Prediction = (output, x, { alpha, sigma }) => ({
  denoised: combine([1, x], [-sigma, output]),
  noise: combine([1, x], [alpha, output]),
});

/** The predictions by name. */
export const predictions: Readonly<Record<PredictionName, Prediction>> = {
  epsilon,
  sample,
  v_prediction: velocity,
  flow_prediction: flowVelocity,
};
