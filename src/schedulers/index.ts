/** @file The face of schedulers/: noise levels, predictions, guidance, samplers. */
export { combine, mapValues, multiply, type Term } from "./arithmetic.ts";
export { schedulerClasses } from "./classes.ts";
export type { BetaSchedule, SchedulerConfig, SigmaSpacing, TimestepSpacing } from "./config.ts";
export { ddim } from "./ddim.ts";
export { ddpm } from "./ddpm.ts";
export { clipDenoised, denoiserOf, thresholdDenoised } from "./denoiser.ts";
export { dpmMultistep } from "./dpm-multistep.ts";
export { eulerAncestral } from "./euler-ancestral.ts";
export { churnedEuler, euler } from "./euler.ts";
export { guide, guides, type Outputs } from "./guidance.ts";
export type { Churn, SchedulerClass, StepList, StepOptions } from "./plan.ts";
export { predictions, type Prediction, type PredictionName } from "./prediction.ts";
export type {
  Denoiser,
  Estimate,
  Level,
  Mix,
  NoiseSource,
  Predict,
  Sampler,
  Step,
} from "./sampler.ts";
export { samplers, schedules, withSampler, type NamedSampler } from "./samplers.ts";
export { exploding, flow, preserving, type Scaling } from "./scaling.ts";
export {
  parseSchedulerConfig,
  schedulerFrom,
  type CountedStep,
  type Hold,
  type SampleRequest,
  type Scheduler,
} from "./scheduler.ts";
export type { Settings } from "./settings.ts";
export { beta, exponential, karras, type SigmaRange, type Spacing } from "./spacing.ts";
export { alphasCumprod, betas, type TableConfig } from "./tables.ts";
