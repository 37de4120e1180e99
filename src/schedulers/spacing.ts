/** @file Noise levels: how σ is spread between its ends, and which timestep a σ belongs to. */
import { betaQuantile } from "./beta-quantile.ts";
import { linspace } from "./numeric.ts";

/** The ends between which σ is spread. */
export interface SigmaRange {
  readonly min: number;
  readonly max: number;
}

/** σ from max down to min, n of them. */
export type Spacing = (range: SigmaRange, n: number) => number[];

/** σ spaced evenly in σ^(1/ρ) with ρ = 7: eq. 5 of Karras et al. 2022. */
export const karras: Spacing = ({ min, max }, n) => {
  const [low, high] = [min ** (1 / 7), max ** (1 / 7)];
  return linspace(0, 1, n).map((u) => (high + u * (low - high)) ** 7);
};

/** σ spaced evenly in log σ. */
export const exponential: Spacing = ({ min, max }, n) =>
  linspace(Math.log(max), Math.log(min), n).map(Math.exp);

/** σ at the quantiles of Beta(.6, .6), dense at both ends (Lee et al. 2024). */
export const beta: Spacing = ({ min, max }, n) =>
  linspace(0, 1, n).map((u) => min + betaQuantile(1 - u, 0.6, 0.6) * (max - min));

/**
 * The fractional training timestep of a σ, by linear interpolation in a table of ascending log σ; the ends hold beyond.
 * `logSigma` is a logarithm because callers differ in how they round it.
 */
export function timestepOf(logSigma: number, logSigmas: Float32Array): number {
  let low = 0;
  for (let i = 0; i < logSigmas.length - 1; i++) if (logSigma >= logSigmas[i]) low = i;
  low = Math.min(low, logSigmas.length - 2);
  const [below, above] = [logSigmas[low], logSigmas[low + 1]];
  const share = Math.min(Math.max((below - logSigma) / Math.fround(below - above), 0), 1);
  return (1 - share) * low + share * (low + 1);
}
