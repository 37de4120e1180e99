/** @file Levels as k-diffusion's samplers take them: σ first, timesteps as fractions. (Euler, Euler ancestral, …) */
import { WeightError } from "../base/index.ts";
import type { SchedulerConfig, SigmaSpacing } from "./config.ts";
import { interpolate, linspace } from "./numeric.ts";
import type { StepList } from "./plan.ts";
import type { Level } from "./sampler.ts";
import { beta, exponential, karras, timestepOf, type SigmaRange, type Spacing } from "./spacing.ts";
import { alphasCumprod, sigmasOf } from "./tables.ts";
import { checkSteps, spacedTimesteps } from "./timesteps.ts";

/** The training table of σ; the last is kept finite under zero terminal SNR. */
export function sigmaTable(config: SchedulerConfig): Float32Array {
  const alphaBars = alphasCumprod(config);
  if (config.rescaleBetasZeroSnr) alphaBars[alphaBars.length - 1] = 2 ** -24;
  return sigmasOf(alphaBars);
}

/** n + 1 levels in f32, the last one without a call. */
export function sigmaLevels(config: SchedulerConfig, steps: StepList): Level[] {
  const table = sigmaTable(config);
  const levels =
    typeof steps === "object" && "sigmas" in steps
      ? givenSigmas(steps.sigmas, table)
      : spacedSigmas(config, steps, table);
  const continuous =
    config.timestepType === "continuous" && config.predictionType === "v_prediction";
  return levels.map(({ sigma, timestep }) => {
    const rounded = Math.fround(sigma);
    // EDM's own name of a level: a quarter of log σ.
    return {
      sigma: rounded,
      timestep: Math.fround(continuous ? 0.25 * Math.fround(Math.log(rounded)) : timestep),
    };
  });
}

/** The deviation of pure noise at the first level: σ, or for `leading` that of noise on top of an image. */
export function initNoiseSigma(config: SchedulerConfig, levels: readonly Level[]): number {
  const max = Math.max(...levels.map((level) => level.sigma));
  return config.timestepSpacing === "leading" ? Math.fround(Math.sqrt(max * max + 1)) : max;
}

function givenSigmas(sigmas: readonly number[], table: Float32Array): Level[] {
  const logs = table.map(Math.log);
  checkSteps(sigmas.length - 1, Infinity);
  return sigmas.map((sigma) => ({
    sigma,
    timestep: timestepOf(Math.fround(Math.log(Math.max(sigma, 1e-10))), logs),
  }));
}

function spacedSigmas(
  config: SchedulerConfig,
  steps: number | { readonly timesteps: readonly number[] },
  table: Float32Array,
): Level[] {
  const timesteps = (
    typeof steps === "number" ? spacedTimesteps(config, steps) : steps.timesteps
  ).map(Math.fround);
  const end = { sigma: config.finalSigma === "zero" ? 0 : table[0], timestep: 0 };
  const visited =
    logLinear(config, timesteps.length, table) ?? timesteps.map((t) => interpolate(table, t));
  const spread = sigmaSpacings[config.sigmaSpacing];
  if (!spread) {
    const levels = visited.map((sigma, i) => ({ sigma, timestep: timesteps[i] ?? 0 }));
    return levels.length > timesteps.length ? levels : [...levels, end];
  }
  const range: SigmaRange = {
    min: config.sigmaMin ?? visited[visited.length - 1],
    max: config.sigmaMax ?? visited[0],
  };
  const logs = table.map(Math.log);
  const levels = spread(range, timesteps.length).map((sigma) => ({
    sigma,
    timestep: timestepOf(Math.log(Math.max(sigma, 1e-10)), logs),
  }));
  return [...levels, end];
}

/** n + 1 σ spread evenly in log σ over the whole table: such a run ends at σ_min, whatever `finalSigma` says. */
function logLinear(config: SchedulerConfig, n: number, table: Float32Array): number[] | null {
  if (config.interpolationType === "linear") return null;
  const [low, high] = [Math.log(table[0]), Math.log(table[table.length - 1])];
  return linspace(high, low, n + 1).map(Math.exp);
}

/** How σ is spread by name; null leaves it to the timesteps. */
const sigmaSpacings: Readonly<Partial<Record<SigmaSpacing, Spacing>>> = {
  karras,
  exponential,
  beta,
};

/** Throws for the spreads that only DPM-Solver has. */
export function checkSigmaSpacing({ className, sigmaSpacing }: SchedulerConfig): void {
  if (sigmaSpacing === "lu" || sigmaSpacing === "flow") {
    throw new WeightError(`${className} cannot spread σ as "${sigmaSpacing}"`);
  }
}
