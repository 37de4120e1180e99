/** @file Euler's method on the probability-flow ODE, with optional churn. */
import { combine } from "./arithmetic.ts";
import { planOf, type Churn, type SchedulerClass } from "./plan.ts";
import { noiseFrom } from "./prediction.ts";
import { pairs, type Sampler } from "./sampler.ts";
import { exploding } from "./scaling.ts";
import { checkSigmaSpacing, initNoiseSigma, sigmaLevels } from "./sigma-levels.ts";

/**
 * x + (σ' - σ) dx/dσ with dx/dσ = (x - x0)/σ: algorithm 2 of Karras et al. 2022 without churn, for x = x0 + σ n.
 */
export const euler: Sampler = async function* (denoise, x, levels) {
  for (const [level, next] of pairs(levels)) {
    const { denoised } = await denoise(x, level);
    const slope = noiseFrom(denoised, x, { alpha: 1, sigma: level.sigma });
    x = combine([1, x], [next.sigma - level.sigma, slope]);
    x = (yield { x, denoised, level }) ?? x;
  }
};

/**
 * Euler that first raises σ to σ̂ = σ (1 + γ) with fresh noise, γ = min(amount/levels, √2 - 1). The network is asked
 * before the noise is added, as diffusers does. `of` counts the levels of a whole run.
 */
export function churnedEuler(churn: Churn, of: number): Sampler {
  return async function* (denoise, x, levels, random) {
    for (const [level, next] of pairs(levels)) {
      const { noise } = await denoise(x, level);
      const churns = churn.min <= level.sigma && level.sigma <= churn.max;
      const gamma = churns ? Math.min(churn.amount / of, Math.SQRT2 - 1) : 0;
      const raised = level.sigma * (1 + gamma);
      if (gamma > 0) {
        const deviation = churn.noise * Math.sqrt(raised ** 2 - level.sigma ** 2);
        x = combine([1, x], [deviation, random.normal(x.shape)]);
      }
      const denoised = combine([1, x], [-raised, noise]);
      x = combine([1, x], [next.sigma - raised, noise]);
      x = (yield { x, denoised, level }) ?? x;
    }
  };
}

/** diffusers' `EulerDiscreteScheduler`. */
export const eulerDiscrete: SchedulerClass = {
  name: "EulerDiscreteScheduler",
  defaults: {
    num_train_timesteps: 1000,
    beta_start: 0.0001,
    beta_end: 0.02,
    beta_schedule: "linear",
    trained_betas: null,
    prediction_type: "epsilon",
    interpolation_type: "linear",
    use_karras_sigmas: false,
    use_exponential_sigmas: false,
    use_beta_sigmas: false,
    sigma_min: null,
    sigma_max: null,
    timestep_spacing: "linspace",
    timestep_type: "discrete",
    steps_offset: 0,
    rescale_betas_zero_snr: false,
    final_sigmas_type: "zero",
  },
  callsPerStep: 1,
  scaling: () => exploding,
  check: checkSigmaSpacing,
  plan(config, steps, { churn }) {
    const levels = sigmaLevels(config, steps);
    const sampler = churn ? churnedEuler(churn, levels.length - 1) : euler;
    return planOf(levels, sampler, initNoiseSigma(config, levels));
  },
};
