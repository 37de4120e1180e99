/** @file Levels at whole training timesteps, for the samplers that think in ᾱ: DDPM, DDIM, PNDM. */
import type { SchedulerConfig } from "./config.ts";
import type { Level } from "./sampler.ts";
import { alphasCumprod } from "./tables.ts";

/** σ = √((1 - ᾱ)/ᾱ) in f64, so that ᾱ can be had back from it exactly. */
function sigmaOf(alphaBar: number): number {
  return Math.sqrt((1 - alphaBar) / alphaBar);
}

/** The level of each training timestep. */
export function trainingLevels(config: SchedulerConfig): (timestep: number) => Level {
  const alphaBars = alphasCumprod(config);
  return (timestep) => ({ sigma: sigmaOf(alphaBars[timestep]), timestep });
}

/**
 * What comes `training steps / steps` before a level, whatever the spacing: DDIM and PNDM always step by this much.
 * Below 0 that is the clean image, or with `setAlphaToOne` off the level of timestep 0.
 */
export function uniformStride(config: SchedulerConfig, steps: number) {
  const levelAt = trainingLevels(config);
  const ratio = Math.floor(config.numTrainTimesteps / steps);
  const end = config.setAlphaToOne ? 0 : levelAt(0).sigma;
  return (timestep: number): Level => {
    const before = timestep - ratio;
    return before < 0 ? { sigma: end, timestep: before } : levelAt(before);
  };
}
