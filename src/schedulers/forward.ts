/** @file The forward process for training: noising, velocities, and how losses are weighed by noise. */
import { assert, type HostArray } from "../base/index.ts";
import { fromRows, rowsOf } from "./arithmetic.ts";
import type { PredictionName } from "./prediction.ts";

/** x = √ᾱ x0 + √(1 - ᾱ) n, with one ᾱ per row of the first axis. */
export function diffuse(
  clean: HostArray,
  noise: HostArray,
  alphaBars: readonly number[],
): HostArray {
  return mixRows(clean, noise, alphaBars, (alphaBar) => [
    Math.sqrt(alphaBar),
    Math.sqrt(1 - alphaBar),
  ]);
}

/** v = √ᾱ n - √(1 - ᾱ) x0 (Salimans and Ho 2022), with one ᾱ per row of the first axis. */
export function velocity(
  clean: HostArray,
  noise: HostArray,
  alphaBars: readonly number[],
): HostArray {
  return mixRows(clean, noise, alphaBars, (alphaBar) => [
    -Math.sqrt(1 - alphaBar),
    Math.sqrt(alphaBar),
  ]);
}

function mixRows(
  clean: HostArray,
  noise: HostArray,
  alphaBars: readonly number[],
  factors: (alphaBar: number) => [clean: number, noise: number],
): HostArray {
  const [cleanRows, noiseRows] = [rowsOf(clean), rowsOf(noise)];
  assert(
    cleanRows.length === alphaBars.length,
    `${alphaBars.length} ᾱ for ${cleanRows.length} rows`,
  );
  const rows = cleanRows.map((row, i) => {
    const [a, b] = factors(alphaBars[i]);
    return row.map((value, k) => a * value + b * noiseRows[i][k]);
  });
  return fromRows(rows, clean.shape);
}

/** Signal to noise: ᾱ/(1 - ᾱ). */
export function snr(alphaBar: number): number {
  return alphaBar / (1 - alphaBar);
}

/**
 * The loss weight min(SNR, γ) on the image (Hang et al. 2023), divided by what the prediction already weighs it with:
 * SNR for ε, SNR + 1 for v. At SNR 0 the weight of ε is its limit, 1.
 */
export function minSnrWeight(
  alphaBar: number,
  { gamma, prediction }: { gamma: number; prediction: Exclude<PredictionName, "flow_prediction"> },
): number {
  const ratio = snr(alphaBar);
  switch (prediction) {
    case "epsilon":
      return Math.min(1, gamma / ratio);
    case "v_prediction":
      return Math.min(ratio, gamma) / (ratio + 1);
    case "sample":
      return Math.min(ratio, gamma);
  }
}
