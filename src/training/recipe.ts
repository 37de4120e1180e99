/** @file What a training recipe says: stages, each with its networks, objective, data, optimiser and course. */
import type { Engine, Precision, Value } from "../runtime/index.ts";
import type { Module } from "../nn/index.ts";
import type { Tensor } from "../tensor/index.ts";
import type { Image } from "../formats/index.ts";
import type { EmaConfig } from "./optimizers/ema.ts";
import type { OptimizerConfig } from "./optimizers/optimizers.ts";
import type { RateConfig } from "./optimizers/rates.ts";

/** Parameters' numbers by path. */
export type Weights = ReadonlyMap<string, Float32Array>;

/** The values of a batch by input name. */
export type Batch = Readonly<Record<string, Value>>;

/** What is traced once: the networks (each placed under its key) and the numbers to compute from a batch. */
export interface Traced {
  readonly networks: Readonly<Record<string, Module>>;
  /** `loss` is differentiated; the others are recorded beside it. All are scalars. */
  readonly outputs: Readonly<Record<string, Tensor>> & { readonly loss: Tensor };
}

/** Where a run lives and what it can reach: its folder, earlier stages' averaged weights, an engine. */
export interface Run {
  readonly folder: string;
  readonly engine: Engine;
  /** Computes an optimiser's step that is more than elementwise arithmetic; `engine` when left out. */
  readonly updating?: Engine;
  readonly threads: number | undefined;
  /** What gradients are computed in; weights, optimiser and pictures are f32 in any case. */
  readonly precision: Precision;
  weights(stage: string): Promise<Weights>;
}

/** Makes the batch of a step (and of one of its accumulated parts) from nothing but these numbers. */
export type Batches = (step: number, part: number) => Batch | Promise<Batch>;

/** One training: a loss driven down for a number of steps. */
export interface Stage {
  readonly name: string;
  readonly seed: number;
  readonly steps: number;
  /** Batches whose gradients are averaged for one step; 1 when left out. */
  readonly accumulate?: number;
  trace(): Traced;
  /** Opened in the loading thread, which makes batches while the engine computes. */
  batches(folder: string): Promise<Batches>;
  readonly optimizer: OptimizerConfig;
  readonly rate: RateConfig & { readonly base: number };
  /** A parameter's share of the rate, by path; 0 leaves it as it started. 1 when left out. */
  share?(path: string): number;
  /** Largest global norm of the gradients. */
  readonly clip: number | null;
  readonly ema: EmaConfig | null;
  /** Numbers to start from, by path, instead of random ones: an earlier stage's, or a scheme of the recipe's own. */
  start?(run: Run): Promise<Weights>;
  /** Pictures of how far it is, drawn every so many steps with the averaged weights. */
  readonly samples?: { readonly every: number; draw(run: Run, weights: Weights): Promise<Image> };
  /** Called once with the averaged weights of a finished stage. */
  finish?(run: Run, weights: Weights): Promise<void>;
}

/** A file given to `limn train`: its stages run one after another. */
export interface Recipe {
  readonly name: string;
  /** Makes the data set in the run folder, unless it is there already. */
  prepare?(folder: string): AsyncGenerator<string>;
  readonly stages: readonly Stage[];
}

/** Checks nothing and changes nothing: gives a recipe file its type. */
export function defineRecipe(recipe: Recipe): Recipe {
  return recipe;
}
