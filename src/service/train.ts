/** @file Training as a command does it: a recipe file, a run folder, events. */
import { access } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { RequestError } from "../base/index.ts";
import { ortEngine } from "../runtime/index.ts";
import { train, type TrainEvent } from "../training/index.ts";

export type { TrainEvent };

/** What to train and where. */
export interface TrainRequest {
  readonly recipe: string;
  /** Run folder; `runs/NAME` of the recipe when null. A run that was stopped goes on from there. */
  readonly folder: string | null;
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
  const recipe = resolve(request.recipe);
  await access(recipe).catch(() => {
    throw new RequestError("recipe", `there is no recipe ${request.recipe}`);
  });
  const { threads, keepEvery } = request;
  const events = train(recipe, {
    folder: resolve(runFolder(request)),
    engine: await ortEngine(),
    clock: () => performance.now() / 1000,
    ...(threads === null ? {} : { threads }),
    ...(keepEvery === null ? {} : { keepEvery }),
  });
  for await (const event of events) {
    yield event;
    if (signal.aborted) return;
  }
}
