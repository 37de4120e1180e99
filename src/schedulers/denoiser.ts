/** @file From a network to a denoiser, and what may be done to its image: clipping and thresholding. */
import { mapValues, fromRows, rowsOf, splitChannels } from "./arithmetic.ts";
import { noiseFrom, type Prediction } from "./prediction.ts";
import type { Denoiser, Predict } from "./sampler.ts";
import type { Scaling } from "./scaling.ts";

/** The denoiser of a network with this prediction type, for x in this scaling. */
export function denoiserOf(
  predict: Predict,
  { prediction, scaling }: { prediction: Prediction; scaling: Scaling },
): Denoiser {
  return async (x, level) => {
    const raw = await predict(scaling.input(x, level), level.timestep);
    const [output, variance] = splitChannels(raw, x.shape[1]);
    return { ...prediction(output, x, scaling.mix(level)), output, variance };
  };
}

/** Clips the image to [-range, range]; the noise stays as predicted. */
export function clipDenoised(denoise: Denoiser, range: number): Denoiser {
  return async (x, level) => {
    const estimate = await denoise(x, level);
    const clip = (value: number) => Math.min(Math.max(value, -range), range);
    return { ...estimate, denoised: mapValues(estimate.denoised, clip) };
  };
}

/**
 * Dynamic thresholding (Saharia et al. 2022): s = the `ratio` quantile of |x0| of each image, kept within [1, max];
 * the image is clipped to [-s, s] and divided by s.
 */
export function thresholdDenoised(
  denoise: Denoiser,
  { ratio, max }: { ratio: number; max: number },
): Denoiser {
  const threshold = (row: Float32Array) => {
    const s = Math.min(Math.max(quantile(row.map(Math.abs), ratio), 1), max);
    return row.map((value) => Math.min(Math.max(value, -s), s) / s);
  };
  return async (x, level) => {
    const estimate = await denoise(x, level);
    const rows = rowsOf(estimate.denoised).map(threshold);
    return { ...estimate, denoised: fromRows(rows, estimate.denoised.shape) };
  };
}

/** Takes the noise from the (clipped) image instead of the network's word, so that both add up to x. */
export function agreeWithDenoised(denoise: Denoiser, scaling: Scaling): Denoiser {
  return async (x, level) => {
    const estimate = await denoise(x, level);
    return { ...estimate, noise: noiseFrom(estimate.denoised, x, scaling.mix(level)) };
  };
}

/** The q quantile, interpolated linearly between neighbours. */
function quantile(values: Float32Array, q: number): number {
  const sorted = values.slice().sort();
  const place = q * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (sorted[high] - sorted[low]) * (place - low);
}
