/** @file The training goldens: their types, their batches, and the networks that they were made with. */
import { resolve } from "node:path";
import { UNet2DConditionModel, parseUnetConfig } from "../../src/models/index.ts";
import type { Module } from "../../src/nn/index.ts";
import { value } from "../../src/runtime/index.ts";
import { alphasCumprod, type BetaSchedule } from "../../src/schedulers/index.ts";
import { input, type Tensor } from "../../src/tensor/index.ts";
import {
  addNoise,
  mixesOf,
  target,
  weightedMse,
  type Batch,
  type OptimizerConfig,
  type PredictionType,
  type Traced,
  type Weights,
} from "../../src/training/index.ts";
import { openLedger } from "./golden-ledger.ts";
import { TinyNetwork } from "./tiny-network.ts";

/** Settings of a torch optimiser; what is missing has torch's default. */
export interface TorchOptions {
  lr: number;
  betas?: [number, number];
  eps?: number;
  weight_decay?: number;
  momentum?: number;
  dampening?: number;
  nesterov?: boolean;
  amsgrad?: boolean;
  alpha?: number;
}

/** Three steps of one optimiser: tensors by name where they are stored, else norms of and distances from the start. */
export interface GoldenRun {
  optimizer: string;
  clip: number | null;
  options: TorchOptions;
  losses: number[];
  difference_to_f64: Record<"1" | "3", number>;
  "after 1"?: string;
  "after 3"?: string;
  "ema plain"?: string;
  "ema diffusers"?: string;
  "norm after 1"?: number;
  "norm after 3"?: number;
  "distance after 1"?: number;
  "distance after 3"?: number;
  "ema plain distance"?: number;
  "ema diffusers distance"?: number;
}

export interface GoldenNetwork {
  parameters: number;
  weights: string;
  output: string;
  output_std: number;
  loss: number;
  gradient_norm: number;
  gradients: string;
  clipping: { max_norm: number; norm_before: number; factor: number; norm_after: number };
  losses: {
    prediction: PredictionType;
    min_snr_gamma: number | null;
    loss: number;
    gradient_norm: number;
    parameter: string;
    gradient: string;
  }[];
  training: GoldenRun[];
}

interface Golden {
  tensors: string;
  seed: number;
  versions: Record<"torch" | "diffusers", string>;
  scheduler: {
    num_train_timesteps: number;
    beta_start: number;
    beta_end: number;
    beta_schedule: BetaSchedule;
  };
  unet_config: Record<string, unknown>;
  batch: Record<"clean" | "noise" | "timesteps" | "context", string>;
  noisy: string;
  velocity: string;
  snr: number[];
  tiny: GoldenNetwork;
  unet: GoldenNetwork;
  optimizers: { name: string; class: string; options: TorchOptions; parameters: string }[];
  rates: {
    name: string;
    num_training_steps: number;
    num_warmup_steps?: number;
    num_cycles?: number;
    power?: number;
    step_rules?: string;
    rates: number[];
  }[];
  ema_decays: {
    decay: number;
    use_ema_warmup?: boolean;
    inv_gamma?: number;
    power?: number;
    update_after_step?: number;
    min_decay?: number;
    steps: number[];
    decays: number[];
  }[];
}

export const golden = await openLedger<Golden>(resolve("tests/goldens/training"), "training");

/** Reads all of a part of the goldens. */
export const plain = <T>(part: T): T => JSON.parse(JSON.stringify(part)) as T;

const { scheduler } = golden.json;
const alphaBars = alphasCumprod({
  numTrainTimesteps: scheduler.num_train_timesteps,
  betaStart: scheduler.beta_start,
  betaEnd: scheduler.beta_end,
  betaSchedule: scheduler.beta_schedule,
  trainedBetas: null,
  rescaleBetasZeroSnr: false,
});

/** Which pictures of a step's batch, and how the loss counts them. */
export interface BatchOptions {
  prediction?: PredictionType;
  gamma?: number | null;
  from?: number;
  to?: number;
}

/** The batch of a step, tensors [step, picture, …] cut at pictures `from` to `to`. */
export async function batchOf(
  step: number,
  { prediction = "epsilon", gamma = null, from = 0, to = 2 }: BatchOptions = {},
): Promise<Batch> {
  const read = async (name: keyof Golden["batch"]) => {
    const key = golden.json.batch[name];
    const [, pictures, ...rest] = golden.shape(key);
    const size = rest.reduce((a, b) => a * b, 1);
    const start = step * pictures * size;
    const data = (await golden.tensor(key)).slice(start + from * size, start + to * size);
    return value(data, [to - from, ...rest]);
  };
  const timestep = await read("timesteps");
  const weighting =
    gamma === null ? ({ kind: "none" } as const) : ({ kind: "minSnr", gamma } as const);
  const mixes = mixesOf([...(timestep.data as Float32Array)], alphaBars, prediction, weighting);
  const column = (name: "alpha" | "sigma" | "weight") =>
    value(
      mixes.map((mix) => mix[name]),
      [mixes.length],
    );
  return {
    clean: await read("clean"),
    noise: await read("noise"),
    context: await read("context"),
    timestep,
    alpha: column("alpha"),
    sigma: column("sigma"),
    weight: column("weight"),
  };
}

export type Label = "tiny" | "unet";
type Denoiser = Module & { call(x: Tensor, timestep: Tensor, context: Tensor): Tensor };
const networks: Record<Label, () => Denoiser> = {
  tiny: () => new TinyNetwork(),
  unet: () =>
    new UNet2DConditionModel(
      parseUnetConfig({ _class_name: "UNet2DConditionModel", ...plain(golden.json.unet_config) }),
    ),
};

/** The diffusion loss of a network, called `net`, over `count` pictures; `output` beside it for the tests. */
export function traceLoss(
  label: Label,
  prediction: PredictionType,
  count = 2,
): Traced & { readonly output: Tensor } {
  const network = networks[label]();
  const image = [count, 4, 8, 8];
  const [clean, noise] = [input("clean", image), input("noise", image)];
  const [alpha, sigma, weight] = ["alpha", "sigma", "weight"].map((name) => input(name, [count]));
  const noisy = addNoise(clean, noise, alpha, sigma);
  const context = input("context", [count, 5, 16]);
  const output = network.call(noisy, input("timestep", [count]), context);
  const wanted = target(prediction, { clean, noise, alpha, sigma });
  const loss = weightedMse(output, wanted, weight);
  return { networks: { net: network }, outputs: { loss }, output };
}

/** Stored tensors `…<name>` by parameter, which our paths call `net.NAME`. */
export async function named(pattern: string): Promise<Weights> {
  const prefix = pattern.replace("<name>", "");
  const found = new Map<string, Float32Array>();
  for (const key of golden.names)
    if (key.startsWith(prefix))
      found.set(`net.${key.slice(prefix.length)}`, await golden.tensor(key));
  return found;
}

/** torch's optimiser of a name, with torch's defaults. */
export function configOf(name: string, o: TorchOptions): OptimizerConfig {
  const { betas = [0.9, 0.999], eps = 1e-8, weight_decay: weightDecay = 0 } = o;
  const [kind] = name.split(" ");
  switch (kind) {
    case "adam":
    case "adamw":
      return { kind, betas, eps, weightDecay, amsgrad: o.amsgrad ?? false };
    case "sgd": {
      const { momentum = 0, dampening = 0, nesterov = false } = o;
      return { kind, momentum, dampening, nesterov, weightDecay };
    }
    case "rmsprop":
      return { kind, alpha: o.alpha ?? 0.99, eps, weightDecay };
    case "adagrad":
      return { kind, rateDecay: 0, eps: o.eps ?? 1e-10, weightDecay };
    case "nadam":
      return { kind, betas, eps, weightDecay, momentumDecay: 4e-3 };
    case "radam":
      return { kind, betas, eps, weightDecay };
    case "adafactor":
      return { kind, beta2Decay: -0.8, eps: 1e-3, clip: 1 };
    default:
      throw new Error(`no optimiser is called ${name}`);
  }
}
