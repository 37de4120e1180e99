/** @file What a scheduler class makes of a configuration and a number of steps: the calls and how to run them. */
import { RequestError, type HostArray } from "../base/index.ts";
import type { SchedulerConfig } from "./config.ts";
import type { Denoiser, Level, NoiseSource, Sampler, Steps } from "./sampler.ts";
import type { Scaling } from "./scaling.ts";
import type { Settings } from "./settings.ts";

/** How many steps, or exactly which: timesteps from noise to image, or σ ending where the sample shall end. */
export type StepList =
  number | { readonly timesteps: readonly number[] } | { readonly sigmas: readonly number[] };

/** Extra noise along the way (algorithm 2 of Karras et al. 2022), for the σ from min to max. */
export interface Churn {
  readonly amount: number;
  readonly min: number;
  readonly max: number;
  /** Deviation of the noise drawn. */
  readonly noise: number;
}

/** What a caller may choose about the steps themselves. */
export interface StepOptions {
  /** DDIM: share of fresh noise, from 0 (deterministic) to 1 (as DDPM). */
  readonly eta: number;
  /** Euler: extra noise; null for none. */
  readonly churn: Churn | null;
  /** DDIM: whose noise leads on, the network's own or the one that agrees with the clipped image. */
  readonly noiseFrom: "output" | "denoised";
}

/** A scheduler's way through the noise levels. */
export interface Plan {
  /** One level per network call, in order: diffusers' `timesteps`. */
  readonly calls: readonly Level[];
  /** The deviation of x at the first call, when it starts as pure noise. */
  readonly initNoiseSigma: number;
  /** Runs the calls from `start` on. */
  run(denoise: Denoiser, x: HostArray, start: number, random: NoiseSource): Steps;
}

/** A diffusers scheduler class. `defaults` are its constructor's, in its spelling. */
export interface SchedulerClass {
  readonly name: string;
  readonly defaults: Settings;
  /** Calls of the network for one step as users count them. */
  readonly callsPerStep: 1 | 2;
  scaling(config: SchedulerConfig): Scaling;
  /** Throws if the class cannot do what the configuration asks. */
  check(config: SchedulerConfig): void;
  plan(config: SchedulerConfig, steps: StepList, options: StepOptions): Plan;
}

/** The plan of a sampler that calls the network once at each level but the last. */
export function planOf(levels: readonly Level[], sampler: Sampler, initNoiseSigma: number): Plan {
  return {
    calls: levels.slice(0, -1),
    initNoiseSigma,
    run: (denoise, x, start, random) => sampler(denoise, x, levels.slice(start), random),
  };
}

/** The count, for classes that choose the timesteps themselves. */
export function onlyCount(className: string, steps: StepList): number {
  if (typeof steps === "number") return steps;
  throw new RequestError("steps", `${className} takes a number of steps, not a list`);
}
