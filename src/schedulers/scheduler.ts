/** @file Schedulers: a configuration made into noise levels, noising and a sampling loop. */
import { listed, RequestError, shown, WeightError, type HostArray } from "../base/index.ts";
import { combine } from "./arithmetic.ts";
import { schedulerClasses } from "./classes.ts";
import { readSettings, type SchedulerConfig } from "./config.ts";
import { clipDenoised, denoiserOf, thresholdDenoised } from "./denoiser.ts";
import { foreignSettings, formerSettings } from "./foreign-settings.ts";
import type { Plan, SchedulerClass, StepList, StepOptions } from "./plan.ts";
import { predictions } from "./prediction.ts";
import type { Denoiser, Level, NoiseSource, Predict, Step } from "./sampler.ts";
import type { Scaling } from "./scaling.ts";
import type { Settings } from "./settings.ts";

/** Puts back what is held fixed after each step; `next` is the level of the next call, null after the last. */
export type Hold = (x: HostArray, next: Level | null) => HostArray;

/** A step of a run, counted as diffusers' `timesteps` are. */
export interface CountedStep extends Step {
  readonly index: number;
}

/** One run: `x` is noise times `initNoiseSigma`, or an image noised to the level of the call `start`. */
export interface SampleRequest extends Partial<StepOptions> {
  readonly predict: Predict;
  readonly x: HostArray;
  readonly steps: StepList;
  readonly random: NoiseSource;
  /** The call to begin with. */
  readonly start?: number;
  readonly hold?: Hold;
}

/** A diffusers scheduler without its state: everything is computed from the configuration and the steps. */
export interface Scheduler {
  readonly config: SchedulerConfig;
  /** One level per network call, in order. */
  levels(steps: StepList): readonly Level[];
  /** The deviation of pure noise at the first level. */
  initNoiseSigma(steps: StepList): number;
  /** The first call of an image-to-image run of this strength: the first steps are skipped. */
  startAt(steps: number, strength: number): number;
  /** The first call that a refiner makes when it takes over after this share of the timesteps. */
  handover(steps: number, share: number): number;
  /** α x + σ noise at a level, in the scheduler's own scaling. */
  addNoise(x: HostArray, noise: HostArray, level: Level): HostArray;
  /** Yields x and the estimated image after every network call. */
  sample(request: SampleRequest): AsyncGenerator<CountedStep, void, void>;
}

const deterministic: StepOptions = { eta: 0, churn: null, noiseFrom: "output" };

/**
 * Reads a `scheduler_config.json`: what it does not say takes the default of its class. Settings of other classes are
 * passed over, as diffusers does when one file serves several samplers; others are refused.
 */
export function parseSchedulerConfig(json: unknown): SchedulerConfig {
  if (typeof json !== "object" || json === null || Array.isArray(json)) {
    throw new WeightError("scheduler_config.json must hold an object with _class_name");
  }
  const settings: Settings = { ...json };
  const found = classNamed(settings._class_name);
  const unknown = Object.keys(settings).filter(
    (key) =>
      !key.startsWith("_") &&
      !(key in found.defaults) &&
      !foreignSettings.includes(key) &&
      !(key in formerSettings && formerSettings[key] === settings[key]),
  );
  if (unknown.length > 0) {
    throw new WeightError(`${found.name} has no setting named ${listed(unknown)}`, {
      hint: "Remove it from scheduler_config.json if it is not needed.",
    });
  }
  const own = Object.keys(found.defaults).map((key) => [key, settings[key] ?? found.defaults[key]]);
  const config = readSettings(found.name, Object.fromEntries(own) as Settings);
  found.check(config);
  return config;
}

function classNamed(name: unknown): SchedulerClass {
  const found = schedulerClasses.find((candidate) => candidate.name === name);
  if (found) return found;
  const known = schedulerClasses.map((candidate) => candidate.name).join(", ");
  throw new WeightError(`unknown scheduler class ${shown(name)}; known are ${known}`);
}

/** The scheduler of a configuration. */
export function schedulerFrom(config: SchedulerConfig): Scheduler {
  const found = classNamed(config.className);
  const scaling = found.scaling(config);
  const { callsPerStep } = found;
  const planFor = (steps: StepList, options: Partial<StepOptions> = {}): Plan =>
    found.plan(config, steps, { ...deterministic, ...options });
  return {
    config,
    levels: (steps) => planFor(steps).calls,
    initNoiseSigma: (steps) => planFor(steps).initNoiseSigma,
    startAt: (steps, strength) => callsPerStep * skippedSteps(steps, strength),
    handover(steps, share) {
      const last = config.numTrainTimesteps * (1 - share);
      const calls = planFor(steps).calls;
      const first = calls.filter((call) => call.timestep >= Math.round(last)).length;
      return callsPerStep * Math.ceil(first / callsPerStep);
    },
    addNoise(x, noise, level) {
      const { alpha, sigma } = scaling.mix(level);
      return combine([alpha, x], [sigma, noise]);
    },
    sample: ({ steps, eta = 0, churn = null, noiseFrom = "output", ...request }) =>
      follow(config, planFor(steps, { eta, churn, noiseFrom }), {
        ...request,
        scaling,
      }),
  };
}

/** n - min(⌊n·strength⌋, n), in double arithmetic. */
function skippedSteps(steps: number, strength: number): number {
  if (!(strength >= 0 && strength <= 1)) {
    throw new RequestError("strength", `must be between 0 and 1, got ${strength}`);
  }
  return steps - Math.min(Math.trunc(steps * strength), steps);
}

/** Runs a plan, counting the calls and putting back what is held fixed. */
async function* follow(
  config: SchedulerConfig,
  plan: Plan,
  request: Omit<SampleRequest, "steps"> & { scaling: Scaling },
): AsyncGenerator<CountedStep, void, void> {
  const { predict, scaling, x, random, start = 0, hold } = request;
  if (!Number.isInteger(start) || start < 0 || start >= plan.calls.length) {
    throw new RequestError("start", `must be between 0 and ${plan.calls.length - 1}, got ${start}`);
  }
  const steps = plan.run(denoiserFor(config, scaling, predict), x, start, random);
  try {
    let held: HostArray | undefined;
    for (let index = start; ; index++) {
      const step = await steps.next(held);
      if (step.done) return;
      held = hold?.(step.value.x, plan.calls[index + 1] ?? null);
      yield { ...step.value, x: held ?? step.value.x, index };
    }
  } finally {
    await steps.return();
  }
}

function denoiserFor(config: SchedulerConfig, scaling: Scaling, predict: Predict): Denoiser {
  const prediction = predictions[config.predictionType];
  const denoise = denoiserOf(predict, { prediction, scaling });
  if (config.thresholding) {
    const { dynamicThresholdingRatio: ratio, sampleMaxValue: max } = config;
    return thresholdDenoised(denoise, { ratio, max });
  }
  return config.clipSample ? clipDenoised(denoise, config.clipSampleRange) : denoise;
}
