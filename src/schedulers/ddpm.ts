/** @file Ancestral sampling of denoising diffusion probabilistic models (Ho, Jain and Abbeel 2020). */
import { RequestError, type HostArray } from "../base/index.ts";
import { combine, mapValues, multiply } from "./arithmetic.ts";
import { requireOneOf, type SchedulerConfig } from "./config.ts";
import { planOf, type SchedulerClass, type StepList } from "./plan.ts";
import { pairs, type Level, type Sampler } from "./sampler.ts";
import { preserving } from "./scaling.ts";
import { trainingLevels } from "./table-levels.ts";
import { checkSteps, wholeTimesteps } from "./timesteps.ts";

/** The variance of a step: β, the posterior's β̃ = β (1 - ᾱ')/(1 - ᾱ), or between the two as the network says. */
export type DdpmVariance = "fixed_small" | "fixed_small_log" | "fixed_large" | "learned_range";

/** The numbers of a step from ᾱ to ᾱ': x' = image·x0 + sample·x + √variance·z. */
export interface Posterior {
  readonly image: number;
  readonly sample: number;
  readonly beta: number;
  /** β̃, at least 1e-20. */
  readonly small: number;
}

/** q(x' | x, x0): eq. 7 of the paper, between any two levels. */
export function posterior(from: Level, to: Level): Posterior {
  const [alphaBar, nextAlphaBar] = [from, to].map((level) => preserving.mix(level).alpha ** 2);
  const alpha = alphaBar / nextAlphaBar;
  const beta = 1 - alpha;
  const [left, nextLeft] = [1 - alphaBar, 1 - nextAlphaBar];
  return {
    image: (Math.sqrt(nextAlphaBar) * beta) / left,
    sample: (Math.sqrt(alpha) * nextLeft) / left,
    beta,
    small: Math.max((nextLeft / left) * beta, 1e-20),
  };
}

/** Draws x' from q(x' | x, x0) with the estimated x0. At timestep 0 no noise is drawn. */
export function ddpm(kind: DdpmVariance): Sampler {
  return async function* (denoise, x, levels, random) {
    for (const [level, next] of pairs(levels)) {
      const { denoised, variance } = await denoise(x, level);
      const step = posterior(level, next);
      x = combine([step.image, denoised], [step.sample, x]);
      if (level.timestep > 0) {
        const noise = random.normal(x.shape);
        x = combine([1, x], [1, scaleNoise(noise, step, kind, variance)]);
      }
      x = (yield { x, denoised, level }) ?? x;
    }
  };
}

/** Noise times the deviation of the step. */
function scaleNoise(
  noise: HostArray,
  { beta, small }: Posterior,
  kind: DdpmVariance,
  learned: HostArray | null,
): HostArray {
  if (kind === "learned_range" && learned) {
    const [low, high] = [Math.log(small), Math.log(beta)];
    // v from -1 to 1 leads from log β̃ to log β: eq. 15 of Nichol and Dhariwal 2021.
    const deviation = mapValues(learned, (v) =>
      Math.exp((((v + 1) / 2) * high + (1 - (v + 1) / 2) * low) / 2),
    );
    return multiply(deviation, noise);
  }
  return combine([Math.sqrt(kind === "fixed_large" ? beta : small), noise]);
}

/** Levels at whole timesteps, ending in the clean image. */
function ddpmLevels(config: SchedulerConfig, steps: StepList): Level[] {
  const timesteps =
    typeof steps === "number" ? wholeTimesteps(config, steps) : given(config, steps);
  return [...timesteps.map(trainingLevels(config)), { sigma: 0, timestep: -1 }];
}

function given(
  { className, numTrainTimesteps }: SchedulerConfig,
  steps: Exclude<StepList, number>,
) {
  const list = "timesteps" in steps ? steps.timesteps : [];
  checkSteps(list.length, numTrainTimesteps);
  for (const [i, t] of list.entries()) {
    const inside = Number.isInteger(t) && t >= 0 && t < numTrainTimesteps;
    if (!inside || (i > 0 && t >= list[i - 1])) {
      throw new RequestError(
        "steps",
        `${className} needs falling whole timesteps below ${numTrainTimesteps}, got ${list.join(", ")}`,
      );
    }
  }
  return list;
}

const variances: readonly DdpmVariance[] = [
  "fixed_small",
  "fixed_small_log",
  "fixed_large",
  "learned_range",
];

/** diffusers' `DDPMScheduler`. */
export const ddpmScheduler: SchedulerClass = {
  name: "DDPMScheduler",
  defaults: {
    num_train_timesteps: 1000,
    beta_start: 0.0001,
    beta_end: 0.02,
    beta_schedule: "linear",
    trained_betas: null,
    variance_type: "fixed_small",
    clip_sample: true,
    prediction_type: "epsilon",
    thresholding: false,
    dynamic_thresholding_ratio: 0.995,
    clip_sample_range: 1,
    sample_max_value: 1,
    timestep_spacing: "leading",
    steps_offset: 0,
    rescale_betas_zero_snr: false,
  },
  callsPerStep: 1,
  scaling: () => preserving,
  check: (config) => requireOneOf(config, "varianceType", variances),
  plan(config, steps) {
    const kind = variances.find((name) => name === config.varianceType) ?? "fixed_small";
    return planOf(ddpmLevels(config, steps), ddpm(kind), 1);
  },
};
