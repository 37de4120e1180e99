/** @file Euler with ancestral noise: "Euler a" of k-diffusion. */
import { combine } from "./arithmetic.ts";
import { planOf, type SchedulerClass } from "./plan.ts";
import { noiseFrom } from "./prediction.ts";
import { pairs, type Sampler } from "./sampler.ts";
import { exploding } from "./scaling.ts";
import { initNoiseSigma, sigmaLevels } from "./sigma-levels.ts";

/**
 * Steps down past σ' to σ_down and adds noise of deviation σ_up, so that σ'² = σ_down² + σ_up²;
 * σ_up² = η² σ'² (σ² - σ'²)/σ². Noise is drawn in every step, also in the last, where it has no effect.
 */
export function eulerAncestral(eta = 1): Sampler {
  return async function* (denoise, x, levels, random) {
    for (const [level, next] of pairs(levels)) {
      const { denoised } = await denoise(x, level);
      const left = 1 - (next.sigma / level.sigma) ** 2;
      const up = Math.min(next.sigma, eta * next.sigma * Math.sqrt(left));
      const down = Math.sqrt(next.sigma ** 2 - up ** 2);
      const slope = noiseFrom(denoised, x, { alpha: 1, sigma: level.sigma });
      x = combine([1, x], [down - level.sigma, slope]);
      x = combine([1, x], [up, random.normal(x.shape)]);
      x = (yield { x, denoised, level }) ?? x;
    }
  };
}

/** diffusers' `EulerAncestralDiscreteScheduler`. */
export const eulerAncestralDiscrete: SchedulerClass = {
  name: "EulerAncestralDiscreteScheduler",
  defaults: {
    num_train_timesteps: 1000,
    beta_start: 0.0001,
    beta_end: 0.02,
    beta_schedule: "linear",
    trained_betas: null,
    prediction_type: "epsilon",
    timestep_spacing: "linspace",
    steps_offset: 0,
    rescale_betas_zero_snr: false,
  },
  callsPerStep: 1,
  scaling: () => exploding,
  check: () => undefined,
  plan(config, steps) {
    const levels = sigmaLevels(config, steps);
    return planOf(levels, eulerAncestral(), initNoiseSigma(config, levels));
  },
};
