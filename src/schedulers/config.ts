/** @file Scheduler configurations: one complete plain object, read from a diffusers `scheduler_config.json`. */
import { shown, WeightError } from "../base/index.ts";
import type { PredictionName } from "./prediction.ts";
import { settingsReader, type Settings } from "./settings.ts";

/** How β runs over the training steps. */
export type BetaSchedule = "linear" | "scaled_linear" | "squaredcos_cap_v2" | "sigmoid";

/** Which training timesteps are visited. */
export type TimestepSpacing = "leading" | "linspace" | "trailing";

/** How σ is spread: `table` takes the training table's σ at the timesteps. */
export type SigmaSpacing = "table" | "karras" | "exponential" | "beta" | "lu" | "flow";

const algorithms = ["dpmsolver", "dpmsolver++", "sde-dpmsolver", "sde-dpmsolver++"] as const;

/** All that decides a scheduler's numbers. A field that a class does not have holds the value without effect. */
export interface SchedulerConfig {
  /** diffusers' class name. */
  readonly className: string;
  readonly numTrainTimesteps: number;
  readonly betaStart: number;
  readonly betaEnd: number;
  readonly betaSchedule: BetaSchedule;
  readonly trainedBetas: readonly number[] | null;
  readonly rescaleBetasZeroSnr: boolean;
  readonly predictionType: PredictionName;
  readonly timestepSpacing: TimestepSpacing;
  readonly stepsOffset: number;
  readonly clipSample: boolean;
  readonly clipSampleRange: number;
  readonly thresholding: boolean;
  readonly dynamicThresholdingRatio: number;
  readonly sampleMaxValue: number;
  readonly setAlphaToOne: boolean;
  readonly varianceType: string | null;
  readonly skipPrkSteps: boolean;
  readonly sigmaSpacing: SigmaSpacing;
  readonly finalSigma: "zero" | "sigma_min";
  readonly interpolationType: "linear" | "log_linear";
  readonly timestepType: "discrete" | "continuous";
  readonly sigmaMin: number | null;
  readonly sigmaMax: number | null;
  readonly solverOrder: number;
  readonly algorithmType: (typeof algorithms)[number];
  readonly solverType: string;
  readonly lowerOrderFinal: boolean;
  readonly eulerAtFinal: boolean;
  readonly lambdaMinClipped: number;
  readonly flowShift: number;
}

/** What the settings mean that a class does not have: nothing. */
const neutral: Settings = {
  num_train_timesteps: 1000,
  beta_start: 0.0001,
  beta_end: 0.02,
  beta_schedule: "linear",
  trained_betas: null,
  rescale_betas_zero_snr: false,
  prediction_type: "epsilon",
  timestep_spacing: "leading",
  steps_offset: 0,
  clip_sample: false,
  clip_sample_range: 1,
  thresholding: false,
  dynamic_thresholding_ratio: 0.995,
  sample_max_value: 1,
  set_alpha_to_one: true,
  variance_type: null,
  skip_prk_steps: false,
  final_sigmas_type: "zero",
  interpolation_type: "linear",
  timestep_type: "discrete",
  sigma_min: null,
  sigma_max: null,
  solver_order: 1,
  algorithm_type: "dpmsolver++",
  solver_type: "midpoint",
  lower_order_final: false,
  euler_at_final: false,
  lambda_min_clipped: "-inf",
  flow_shift: 1,
};

const sigmaFlags = {
  karras: "use_karras_sigmas",
  exponential: "use_exponential_sigmas",
  beta: "use_beta_sigmas",
  lu: "use_lu_lambdas",
  flow: "use_flow_sigmas",
} as const;

/** One timestep alone has no levels to go between; a table of more would take seconds and gigabytes. */
const trainTimestepsRange = [2, 100_000] as const;

/** Reads settings, all of which must be of the right kind. */
export function readSettings(className: string, own: Settings): SchedulerConfig {
  const read = settingsReader(className, { ...neutral, ...own });
  const { number, whole, positive, fraction, flag, choice, orNull, text, fail } = read;
  const trainTimesteps = whole("num_train_timesteps", trainTimestepsRange);
  if (flag("use_dynamic_shifting")) fail("use_dynamic_shifting", "false");
  return {
    className,
    numTrainTimesteps: trainTimesteps,
    betaStart: fraction("beta_start"),
    betaEnd: fraction("beta_end"),
    betaSchedule: choice(
      "beta_schedule",
      "linear",
      "scaled_linear",
      "squaredcos_cap_v2",
      "sigmoid",
    ),
    trainedBetas: orNull("trained_betas", (key) => read.fractions(key, trainTimesteps)),
    rescaleBetasZeroSnr: flag("rescale_betas_zero_snr"),
    predictionType: choice(
      "prediction_type",
      "epsilon",
      "sample",
      "v_prediction",
      "flow_prediction",
    ),
    timestepSpacing: choice("timestep_spacing", "leading", "linspace", "trailing"),
    stepsOffset: whole("steps_offset", [0, trainTimesteps - 1]),
    clipSample: flag("clip_sample"),
    clipSampleRange: positive("clip_sample_range"),
    thresholding: flag("thresholding"),
    dynamicThresholdingRatio: fraction("dynamic_thresholding_ratio"),
    sampleMaxValue: positive("sample_max_value"),
    setAlphaToOne: flag("set_alpha_to_one"),
    varianceType: orNull("variance_type", text),
    skipPrkSteps: flag("skip_prk_steps"),
    sigmaSpacing: read.onlyFlag(sigmaFlags) ?? "table",
    finalSigma: choice("final_sigmas_type", "zero", "sigma_min"),
    interpolationType: choice("interpolation_type", "linear", "log_linear"),
    timestepType: choice("timestep_type", "discrete", "continuous"),
    sigmaMin: orNull("sigma_min", positive),
    sigmaMax: orNull("sigma_max", positive),
    solverOrder: number("solver_order"),
    algorithmType: choice("algorithm_type", ...algorithms),
    solverType: text("solver_type"),
    lowerOrderFinal: flag("lower_order_final"),
    eulerAtFinal: flag("euler_at_final"),
    lambdaMinClipped: number("lambda_min_clipped"),
    flowShift: positive("flow_shift"),
  };
}

/** Throws unless a setting has one of the values that a class can work with. */
export function requireOneOf<K extends keyof SchedulerConfig>(
  config: SchedulerConfig,
  key: K,
  values: readonly SchedulerConfig[K][],
): void {
  if (!values.includes(config[key])) {
    throw new WeightError(
      `${config.className} takes ${key} ${values.join(", ")}, got ${shown(config[key])}`,
    );
  }
}
