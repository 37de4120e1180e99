/** @file The forward process as tables over the training timesteps, in f32 with torch's roundings. */
import type { BetaSchedule, SchedulerConfig } from "./config.ts";
import { linspace32 } from "./numeric.ts";

/** What decides the tables. */
export type TableConfig = Pick<
  SchedulerConfig,
  | "numTrainTimesteps"
  | "betaStart"
  | "betaEnd"
  | "betaSchedule"
  | "trainedBetas"
  | "rescaleBetasZeroSnr"
>;

/** β_t: the variance that step t adds (Ho et al. 2020), rescaled to end in pure noise if asked. */
export function betas(config: TableConfig): Float32Array {
  const plain = config.trainedBetas
    ? Float32Array.from(config.trainedBetas)
    : betaSchedules[config.betaSchedule](config);
  return config.rescaleBetasZeroSnr ? rescaleZeroSnr(plain) : plain;
}

/** ᾱ_t = Π (1 - β_s), the share of the image's variance that is left at t. */
export function alphasCumprod(config: TableConfig): Float32Array {
  return cumulativeProducts(betas(config).map((beta) => 1 - beta));
}

/** σ_t = √((1 - ᾱ_t)/ᾱ_t) of each ᾱ, every operation rounded to f32. */
export function sigmasOf(alphaBars: Float32Array): Float32Array {
  return alphaBars.map((alphaBar) => Math.sqrt(Math.fround(Math.fround(1 - alphaBar) / alphaBar)));
}

type Range = Pick<TableConfig, "numTrainTimesteps" | "betaStart" | "betaEnd">;

const betaSchedules: Readonly<Record<BetaSchedule, (range: Range) => Float32Array>> = {
  linear: ({ betaStart, betaEnd, numTrainTimesteps: n }) => linspace32(betaStart, betaEnd, n),
  /** Linear in √β: latent diffusion (Rombach et al. 2022). */
  scaled_linear: ({ betaStart, betaEnd, numTrainTimesteps: n }) =>
    linspace32(Math.sqrt(betaStart), Math.sqrt(betaEnd), n).map((root) => root * root),
  /** ᾱ(t) = cos²((t + .008)/1.008·π/2), each β at most .999 (Nichol and Dhariwal 2021). */
  squaredcos_cap_v2: ({ numTrainTimesteps: n }) => {
    const alphaBar = (t: number) => Math.cos((((t + 0.008) / 1.008) * Math.PI) / 2) ** 2;
    return Float32Array.from({ length: n }, (_, i) =>
      Math.min(1 - alphaBar((i + 1) / n) / alphaBar(i / n), 0.999),
    );
  },
  /** A sigmoid from -6 to 6 between the ends (GeoDiff, Xu et al. 2022). */
  sigmoid: ({ betaStart, betaEnd, numTrainTimesteps: n }) =>
    linspace32(-6, 6, n).map(
      (x) => Math.fround(Math.fround(1 / (1 + Math.exp(-x))) * (betaEnd - betaStart)) + betaStart,
    ),
};

/** Shifts and scales √ᾱ so that it ends in 0 and begins as before: algorithm 1 of Lin et al. 2023. */
function rescaleZeroSnr(plain: Float32Array): Float32Array {
  const roots = cumulativeProducts(plain.map((beta) => 1 - beta)).map(Math.sqrt);
  const [first, last] = [roots[0], roots[roots.length - 1]];
  const factor = Math.fround(first / Math.fround(first - last));
  const alphaBars = roots.map((root) => Math.fround(Math.fround(root - last) * factor) ** 2);
  return alphaBars.map((alphaBar, t) =>
    t === 0 ? 1 - alphaBar : 1 - Math.fround(alphaBar / alphaBars[t - 1]),
  );
}

/** Products of the first 1, 2, 3, … numbers, carried in f64 and rounded to f32 each. */
function cumulativeProducts(values: Float32Array): Float32Array {
  let product = 1;
  return values.map((value) => (product *= value));
}
