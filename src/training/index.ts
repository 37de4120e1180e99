/** @file The face of training/: recipes, the training loop, data sets. */
export {
  buildEmojiDataset,
  describeSummary,
  tellingProgress,
  type BuildOptions,
  type BuildProgress,
} from "./emoji/build.node.ts";
export {
  captionShares,
  drawCaption,
  promptFor,
  styleWords,
  type CaptionShares,
  type CaptionSubject,
  type ConceptWords,
} from "./emoji/captions.ts";
export { chance, pick, pickSome, type Chance } from "./emoji/chance.ts";
export { colourNames, type ColourName } from "./emoji/colours.ts";
export { firstConcepts, type Concept } from "./emoji/concepts.ts";
export { contactSheet, type SheetLayout, type SheetRow } from "./emoji/contact-sheet.node.ts";
export { loadDataset } from "./emoji/load.node.ts";
export type {
  ConceptRecord,
  Dataset,
  DatasetSummary,
  PictureRecord,
  RecolourPlan,
} from "./emoji/records.ts";
export { setNames, type SetName } from "./emoji/sets.ts";
export { openWideConcepts } from "./emoji/sources.node.ts";
export {
  addNoise,
  lossWeight,
  mixesOf,
  stratifiedTimesteps,
  target,
  weightedMse,
  type PredictionType,
  type WeightedMix,
  type Weighting,
} from "./diffusion.ts";
export { bindWeights, numbersOf } from "./bind-weights.ts";
export type { EmaConfig } from "./optimizers/ema.ts";
export { gridOf } from "./grid.ts";
export { initialValues } from "./initial.ts";
export { loadRecipe, recipeFile } from "./load-recipe.node.ts";
export type { Optimizer } from "./optimizers/rule.ts";
export { optimizer, type OptimizerConfig } from "./optimizers/optimizers.ts";
export type { RateConfig } from "./optimizers/rates.ts";
export {
  defineRecipe,
  type Batch,
  type Batches,
  type Recipe,
  type Run,
  type Stage,
  type Traced,
  type Weights,
} from "./recipe.ts";
export type { OtherEngine } from "./begin.node.ts";
export { train, type TrainEvent, type TrainOptions } from "./train.node.ts";
