/** @file Runs a recipe: its stages in order, each from where it was left, with a diary and pictures beside it. */
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { encodePng, writeFileAtomic } from "../formats/index.ts";
import type { Engine } from "../runtime/index.ts";
import { lossCurve } from "./curve.node.ts";
import { Journal } from "./journal.node.ts";
import { openLoader } from "./loader.node.ts";
import { loadRecipe } from "./load-recipe.node.ts";
import type { Run, Stage, Weights } from "./recipe.ts";
import { finishedFile, isFinished, loadWeights, newestStep } from "./state.node.ts";
import { trainStage, type TrainStep } from "./trainer.node.ts";

/** What a training run tells while it goes. */
export type TrainEvent =
  | { readonly kind: "note"; readonly text: string }
  | { readonly kind: "stage"; readonly name: string; readonly from: number; readonly steps: number }
  | ({
      readonly kind: "step";
      readonly stage: string;
      readonly steps: number;
      readonly seconds: number;
    } & TrainStep)
  | { readonly kind: "picture"; readonly file: string }
  | { readonly kind: "finished"; readonly stage: string; readonly folder: string };

export interface TrainOptions {
  /** The run folder: checkpoints, diary and pictures of each stage lie in folders below it. */
  readonly folder: string;
  readonly engine: Engine;
  readonly threads?: number;
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
  const recipe = await loadRecipe(recipePath);
  await mkdir(options.folder, { recursive: true });
  if (recipe.prepare)
    for await (const text of recipe.prepare(options.folder)) yield { kind: "note", text };
  const run: Run = {
    folder: options.folder,
    engine: options.engine,
    threads: options.threads,
    weights: (stage) => loadWeights(finishedFile(join(options.folder, stage))),
  };
  for (const stage of recipe.stages) {
    if (await isFinished(join(options.folder, stage.name))) continue;
    yield* runStage(stage, run, { ...options, recipePath });
  }
}

async function* runStage(
  stage: Stage,
  run: Run,
  options: TrainOptions & { recipePath: string },
): AsyncGenerator<TrainEvent> {
  const folder = join(run.folder, stage.name);
  const from = await newestStep(folder);
  yield { kind: "stage", name: stage.name, from, steps: stage.steps };
  const journal = await Journal.open(folder, from);
  const parts = stage.accumulate ?? 1;
  const task = { recipe: options.recipePath, stage: stage.name, folder: run.folder };
  await using loader = openLoader(task, { parts, ahead: 2 });
  const steps = trainStage(stage, { run, loader, keepEvery: options.keepEvery ?? 500 });
  try {
    let before = options.clock();
    let weights: Weights | null = null;
    for (;;) {
      const next = await steps.next();
      if (next.done) {
        weights = next.value;
        break;
      }
      const { averaged, ...step } = next.value;
      journal.add(step);
      const now = options.clock();
      yield { kind: "step", stage: stage.name, steps: stage.steps, seconds: now - before, ...step };
      const { samples } = stage;
      if (samples && (step.step % samples.every === 0 || step.step === stage.steps)) {
        const picture = await samples.draw(run, averaged());
        const file = join(folder, `samples-${String(step.step).padStart(7, "0")}.png`);
        await writeFileAtomic(file, await encodePng(picture));
        yield { kind: "picture", file };
        yield await drawCurve(journal, folder);
      }
      if (step.step % 100 === 0) await journal.flush();
      before = options.clock();
    }
    yield await drawCurve(journal, folder);
    await stage.finish?.(run, weights);
    yield { kind: "finished", stage: stage.name, folder };
  } finally {
    await steps.return(new Map());
    await journal.flush();
  }
}

async function drawCurve(journal: Journal, folder: string): Promise<TrainEvent> {
  const file = join(folder, "loss.png");
  await writeFileAtomic(file, await lossCurve(await journal.losses()));
  return { kind: "picture", file };
}
