/** @file Denoising diffusion implicit models (Song, Meng and Ermon 2020). */
import { combine } from "./arithmetic.ts";
import type { SchedulerConfig } from "./config.ts";
import { agreeWithDenoised } from "./denoiser.ts";
import { onlyCount, planOf, type SchedulerClass } from "./plan.ts";
import type { Level, Sampler } from "./sampler.ts";
import { preserving } from "./scaling.ts";
import { trainingLevels, uniformStride } from "./table-levels.ts";
import { wholeTimesteps } from "./timesteps.ts";

/** What decides a DDIM step: η, and the level that each one leads to. */
export interface DdimOptions {
  readonly eta: number;
  readonly before: (timestep: number) => Level;
}

/**
 * x' = √ᾱ' x0 + √(1 - ᾱ' - s²) n + s z with s² = η² (1 - ᾱ')/(1 - ᾱ) (1 - ᾱ/ᾱ'): eq. 12 of the paper, α = √ᾱ.
 * With η > 0 noise is drawn in every step.
 */
export function ddim({ eta, before }: DdimOptions): Sampler {
  return async function* (denoise, x, levels, random) {
    for (const level of levels.slice(0, -1)) {
      const { denoised, noise } = await denoise(x, level);
      const [from, to] = [preserving.mix(level), preserving.mix(before(level.timestep))];
      const variance = (to.sigma / from.sigma) ** 2 * (1 - (from.alpha / to.alpha) ** 2);
      const deviation = eta * Math.sqrt(Math.max(variance, 0));
      const direction = Math.sqrt(Math.max(to.sigma ** 2 - deviation ** 2, 0));
      x = combine([to.alpha, denoised], [direction, noise]);
      if (eta > 0) x = combine([1, x], [deviation, random.normal(x.shape)]);
      x = (yield { x, denoised, level }) ?? x;
    }
  };
}

/** n levels at whole timesteps and the one that the last step leads to. */
function ddimLevels(config: SchedulerConfig, steps: number): Level[] {
  const timesteps = wholeTimesteps(config, steps);
  return [
    ...timesteps.map(trainingLevels(config)),
    uniformStride(config, steps)(timesteps[timesteps.length - 1]),
  ];
}

/** diffusers' `DDIMScheduler`. */
export const ddimScheduler: SchedulerClass = {
  name: "DDIMScheduler",
  defaults: {
    num_train_timesteps: 1000,
    beta_start: 0.0001,
    beta_end: 0.02,
    beta_schedule: "linear",
    trained_betas: null,
    clip_sample: true,
    set_alpha_to_one: true,
    steps_offset: 0,
    prediction_type: "epsilon",
    thresholding: false,
    dynamic_thresholding_ratio: 0.995,
    clip_sample_range: 1,
    sample_max_value: 1,
    timestep_spacing: "leading",
    rescale_betas_zero_snr: false,
  },
  callsPerStep: 1,
  scaling: () => preserving,
  check: () => undefined,
  plan(config, steps, { eta, noiseFrom }) {
    const n = onlyCount(config.className, steps);
    const step = ddim({ eta, before: uniformStride(config, n) });
    const sampler: Sampler =
      noiseFrom === "output"
        ? step
        : (denoise, ...rest) => step(agreeWithDenoised(denoise, preserving), ...rest);
    return planOf(ddimLevels(config, n), sampler, 1);
  },
};
