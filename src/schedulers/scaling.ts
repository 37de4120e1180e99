/** @file How x holds image and noise: variance preserving, variance exploding, or along a straight flow. */
import type { HostArray } from "../base/index.ts";
import { combine } from "./arithmetic.ts";
import type { Level, Mix } from "./sampler.ts";

/** The shares of image and noise in x at a level, and what the network is shown of x. */
export interface Scaling {
  mix(level: Level): Mix;
  input(x: HostArray, level: Level): HostArray;
}

/** x = (x0 + σ n)/√(1 + σ²): unit variance throughout. The network sees x. (DDPM, DDIM, PNDM, DPM-Solver.) */
export const preserving: Scaling = {
  mix({ sigma }) {
    if (sigma === Infinity) return { alpha: 0, sigma: 1 };
    const alpha = 1 / Math.sqrt(1 + sigma * sigma);
    return { alpha, sigma: sigma * alpha };
  },
  input: (x) => x,
};

/** x = x0 + σ n. The network sees x/√(1 + σ²), which has unit variance. (Euler, Heun and the like.) */
export const exploding: Scaling = {
  mix: ({ sigma }) => ({ alpha: 1, sigma }),
  input: (x, { sigma }) => combine([1 / Math.sqrt(1 + sigma * sigma), x]),
};

/** x = (1 - σ) x0 + σ n, σ from 0 to 1. The network sees x. (Rectified flow, Liu et al. 2022.) */
export const flow: Scaling = {
  mix: ({ sigma }) => ({ alpha: 1 - sigma, sigma }),
  input: (x) => x,
};
