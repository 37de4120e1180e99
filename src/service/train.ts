/** @file Training as a command does it: a recipe file, a run folder, events. */
import { basename, join, resolve } from "node:path";
import { recipeFile, train, type OtherEngine, type TrainEvent } from "../training/index.ts";
import {
  openTrainingEngines,
  type TrainingEngine,
  type TrainingPrecision,
} from "./training-engine.ts";

export type { TrainEvent };

/** What to train and where. */
export interface TrainRequest {
  readonly recipe: string;
  /** Run folder; `runs/NAME` of the recipe when null. A run that was stopped goes on from there. */
  readonly folder: string | null;
  readonly engine: TrainingEngine;
  /** What gradients are computed in; weights and the optimiser are f32 in any case. */
  readonly precision: TrainingPrecision;
  /** Whether a run may go on from a checkpoint of another engine or precision. */
  readonly otherEngine: OtherEngine;
  readonly threads: number | null;
  /** Steps between checkpoints; null leaves it to the trainer. */
  readonly keepEvery: number | null;
}

/** The folder in which a request's run lies. */
export function runFolder({ recipe, folder }: TrainRequest): string {
  return folder ?? join("runs", basename(recipe).replace(/\.[^.]*$/, ""));
}

/** Trains until the recipe is done or the signal says stop; stopping writes a checkpoint first. */
export async function* trainRecipe(
  request: TrainRequest,
  signal: AbortSignal,
): AsyncGenerator<TrainEvent> {
  const recipe = await recipeFile(request.recipe);
  const { threads, keepEvery, otherEngine } = request;
  const { notes, ...engines } = await openTrainingEngines(request.engine, request.precision);
  for (const text of notes) yield { kind: "note", text };
  const events = train(recipe, {
    folder: resolve(runFolder(request)),
    ...engines,
    otherEngine,
    clock: () => performance.now() / 1000,
    ...(threads === null ? {} : { threads }),
    ...(keepEvery === null ? {} : { keepEvery }),
  });
  for await (const event of events) {
    yield event;
    if (signal.aborted) return;
  }
}
