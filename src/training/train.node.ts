/** @file Runs a recipe: its stages in order, each from where it was left, with a diary and pictures beside it. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { encodePng, removeTorn, writeFileAtomic } from "../formats/index.ts";
import { checkThreads, type Engine, type Precision } from "../runtime/index.ts";
import { begin, finishedNotes, type OtherEngine } from "./begin.node.ts";
import { lossCurve } from "./run/curve.node.ts";
import { explainRecipe, explainWriting } from "./explain.node.ts";
import { Journal } from "./run/journal.node.ts";
import { openLoader } from "./loader.node.ts";
import { loadRecipe } from "./load-recipe.node.ts";
import { lockFolder } from "./run/lock.node.ts";
import type { Recipe, Run, Stage, Weights } from "./recipe.ts";
import { Pace, type Measured } from "./pace.ts";
import { finishedFile, loadWeights, saveWeights } from "./run/state.node.ts";
import { trainStage, type LiveStep, type TrainStep } from "./trainer.node.ts";

/** What a training run tells while it goes. */
export type TrainEvent =
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "stage"; readonly name: string; readonly from: number; readonly steps: number }
  | ({
      readonly kind: "step";
      readonly stage: string;
      readonly steps: number;
    } & Measured &
      TrainStep)
  | { readonly kind: "picture"; readonly file: string }
  | { readonly kind: "finished"; readonly stage: string; readonly folder: string };

/** Where a recipe is trained, on what, and how often it is written down. */
export interface TrainOptions {
  /** The run folder: checkpoints, diary and pictures of each stage lie in folders below it. */
  readonly folder: string;
  readonly engine: Engine;
  /** Computes an optimiser's step that is more than elementwise arithmetic; `engine` when left out. */
  readonly updating?: Engine;
  readonly threads?: number;
  /** What gradients are computed in; f32 when left out. Weights, averages and the optimiser are f32 in any case. */
  readonly precision?: Precision;
  /** Whether a run may go on from a checkpoint of another engine or precision; `refuse` when left out. */
  readonly otherEngine?: OtherEngine;
  /** Steps between checkpoints; 500 when left out. */
  readonly keepEvery?: number;
  /** Seconds since some fixed moment. */
  readonly clock: () => number;
}

/** Trains what a recipe file says. Return from the generator to stop: a checkpoint is written first. */
export async function* train(
  recipePath: string,
  options: TrainOptions,
): AsyncGenerator<TrainEvent> {
  checkThreads(options.threads);
  try {
    const recipe = await loadRecipe(recipePath);
    await mkdir(options.folder, { recursive: true });
    const lock = await lockFolder(options.folder);
    try {
      await removeTorn(options.folder);
      yield* runStages(recipe, { ...options, recipePath });
    } finally {
      await lock[Symbol.asyncDispose]();
    }
  } catch (error) {
    throw explainRecipe(await explainWriting(error, options.folder), recipePath);
  }
}

type Begun = TrainOptions & { readonly recipePath: string };

async function* runStages(recipe: Recipe, options: Begun): AsyncGenerator<TrainEvent> {
  if (recipe.prepare)
    for await (const text of recipe.prepare(options.folder)) yield { kind: "note", text };
  const run: Run = {
    folder: options.folder,
    engine: options.engine,
    ...(options.updating ? { updating: options.updating } : {}),
    threads: options.threads,
    precision: options.precision ?? "f32",
    weights: (stage) => loadWeights(finishedFile(join(options.folder, stage))),
  };
  for (const stage of recipe.stages) {
    const finished = await finishedNotes(stage, run);
    for (const text of finished ?? []) yield { kind: "note", text };
    if (finished) continue;
    try {
      yield* runStage(stage, run, options);
    } catch (error) {
      throw await explainWriting(error, join(options.folder, stage.name));
    }
  }
}

/** What goes with a stage while it runs. */
interface Desk {
  readonly stage: Stage;
  readonly run: Run;
  readonly folder: string;
  readonly journal: Journal;
}

async function* runStage(stage: Stage, run: Run, options: Begun): AsyncGenerator<TrainEvent> {
  const folder = join(run.folder, stage.name);
  await mkdir(folder, { recursive: true });
  await removeTorn(folder);
  const beginning = await begin(stage, run, options.otherEngine);
  const from = beginning.state.step;
  const journal = await Journal.open(folder, from);
  for (const text of [...beginning.notes, ...journal.notes]) yield { kind: "note", text };
  yield { kind: "stage", name: stage.name, from, steps: stage.steps };
  const desk = { stage, run, folder, journal };
  const task = { recipe: options.recipePath, stage: stage.name, folder: run.folder };
  await using loader = openLoader(task, { parts: stage.accumulate ?? 1, ahead: 2 });
  const steps = trainStage(stage, {
    run,
    loader,
    beginning,
    keepEvery: options.keepEvery ?? 500,
  });
  const weights = yield* followSteps(steps, desk, options.clock);
  yield await drawCurve(desk);
  await stage.finish?.(run, weights);
  // Last of all: this file says that nothing of the stage is left to do.
  await saveWeights(finishedFile(folder), weights, beginning.marks);
  yield { kind: "finished", stage: stage.name, folder };
}

/** Writes down each step before it is told, and tells it before a checkpoint knows it. */
async function* followSteps(
  steps: AsyncGenerator<LiveStep, Weights>,
  desk: Desk,
  clock: () => number,
): AsyncGenerator<TrainEvent, Weights> {
  const pace = new Pace();
  let failed = false;
  try {
    for (;;) {
      const before = clock();
      const next = await steps.next();
      if (next.done) return next.value;
      const { averaged, written, ...step } = next.value;
      await desk.journal.add(step);
      const pictures = await drawSamples(desk, step.step, averaged);
      const { name: stage, steps: all } = desk.stage;
      written();
      const measured = pace.add(clock() - before, step.samples, all - step.step);
      yield { kind: "step", stage, steps: all, ...measured, ...step };
      yield* pictures;
    }
  } catch (error) {
    failed = true;
    throw error;
  } finally {
    await steps.return(new Map()).catch((error: unknown) => {
      if (!failed) throw error; // else what failed first is told
    });
  }
}

async function drawSamples(
  desk: Desk,
  step: number,
  averaged: () => Weights,
): Promise<TrainEvent[]> {
  const { samples, steps } = desk.stage;
  if (!samples || (step % samples.every !== 0 && step !== steps)) return [];
  const picture = await samples.draw(desk.run, averaged());
  const file = join(desk.folder, `samples-${String(step).padStart(7, "0")}.png`);
  await writeFileAtomic(file, await encodePng(picture));
  return [{ kind: "picture", file }, await drawCurve(desk)];
}

async function drawCurve({ journal, folder }: Desk): Promise<TrainEvent> {
  const file = join(folder, "loss.png");
  await writeFileAtomic(file, await lossCurve(await journal.losses()));
  return { kind: "picture", file };
}
