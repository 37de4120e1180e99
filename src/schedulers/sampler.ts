/** @file The words of diffusion that every axis shares: levels, estimates, denoisers, samplers. */
import type { HostArray, Random } from "../base/index.ts";

/**
 * One noise level: σ (the ratio of noise to signal, or the time of a flow) and the timestep that the network is told,
 * which each schedule rounds in its own way. σ is Infinity where nothing of the image is left.
 */
export interface Level {
  readonly sigma: number;
  readonly timestep: number;
}

/** How much of image and noise x holds at a level: x = alpha·x0 + sigma·n. */
export interface Mix {
  readonly alpha: number;
  readonly sigma: number;
}

/** What a network knows of x: the image in it, the noise in it, and what it said literally. */
export interface Estimate {
  readonly denoised: HostArray;
  readonly noise: HostArray;
  readonly output: HostArray;
  /** The channels beyond the sample's, of networks that also predict their variance. */
  readonly variance: HostArray | null;
}

/** Estimates image and noise in x at a level: D(x, σ) of Karras et al. 2022. x in the sampler's own scaling. */
export type Denoiser = (x: HostArray, level: Level) => Promise<Estimate>;

/** The network as it is: its (guided) output for its own input and timestep. */
export type Predict = (input: HostArray, timestep: number) => Promise<HostArray>;

/** Draws standard normal noise: all that samplers need of a generator. */
export type NoiseSource = Pick<Random, "normal">;

/** x after one call of the network, and what that call made of the x before it. */
export interface Step {
  readonly x: HostArray;
  readonly denoised: HostArray;
  readonly level: Level;
}

/** Yields after every network call; the receiver may answer with another x to go on from. */
export type Steps = AsyncGenerator<Step, void, HostArray | undefined>;

/** A step rule: brings x from the first level to the last one, with one call per level but the last. */
export type Sampler = (
  denoise: Denoiser,
  x: HostArray,
  levels: readonly Level[],
  random: NoiseSource,
) => Steps;

/** Neighbours: [a, b], [b, c], … */
export function pairs<T>(list: readonly T[]): [T, T][] {
  return list.slice(1).map((next, i) => [list[i], next]);
}
