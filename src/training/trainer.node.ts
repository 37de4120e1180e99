/** @file The training loop of one stage: gradients, update, averages, checkpoints; resumable at any step. */
import { join } from "node:path";
import { elementwiseEngine, type Program } from "../runtime/index.ts";
import type { Beginning } from "./begin.node.ts";
import type { Loader } from "./loader.node.ts";
import { explainNotFinite } from "./not-finite.node.ts";
import type { Prepared } from "./prepare.ts";
import type { Run, Stage, Weights } from "./recipe.ts";
import { isSound, saveCheckpoint, slotOf, type State } from "./run/state.node.ts";
import { accumulate } from "./step.node.ts";
import { Updater } from "./updater.node.ts";

/** One optimiser step done; metrics are means over its parts. */
export interface TrainStep {
  readonly step: number;
  readonly metrics: Readonly<Record<string, number>>;
  readonly norm: number;
  readonly rate: number;
  /** Pictures seen in this step: rows of the batches' first values. */
  readonly samples: number;
}

/** A step with access to the averaged weights as they are until the next one. */
export type LiveStep = TrainStep & {
  averaged(this: void): Weights;
  /** Says that all that belongs to the step is on disk, as asking for the next step also does. */
  written(this: void): void;
};

/** The averaged weights where there are averages, else the values. */
export function averaged(state: State): Weights {
  return new Map([...slotOf(state, "value"), ...slotOf(state, "average")]);
}

/** What `trainStage` needs beside the stage. */
export interface StageRun {
  readonly run: Run;
  readonly loader: Loader;
  readonly beginning: Beginning;
  /** Steps between checkpoints. */
  readonly keepEvery: number;
}

/**
 * Runs a stage from its beginning to its end and returns its averaged weights. Each step is yielded before a checkpoint
 * holds it, so what its reader writes down is never behind. Leaving early writes a checkpoint, but not of a step whose
 * reader failed: a run that goes on from there would lack what the reader did not write.
 */
export async function* trainStage(
  stage: Stage,
  { run, loader, keepEvery, beginning }: StageRun,
): AsyncGenerator<LiveStep, Weights> {
  const folder = join(run.folder, stage.name);
  const { prepared, state, marks } = beginning;
  const threads = run.threads === undefined ? {} : { threads: run.threads };
  await using gradients = await run.engine.compile(prepared.gradients, {
    bind: () => ({ kind: "input" }),
    precision: run.precision,
    ...threads,
  });
  const { trained } = prepared;
  const updating = elementwiseEngine(run.updating ?? run.engine);
  await using updater = await Updater.open(updating, stage, { trained, state, ...threads });
  const going = { run, loader, state, prepared, gradients, updater };
  let [saved, written] = [state.step, state.step];
  const save = async () => {
    if (state.step === saved || state.step !== written || !isSound(state)) return;
    await saveCheckpoint(folder, state, marks);
    saved = state.step;
  };
  let failed = false;
  try {
    while (state.step < stage.steps) {
      const step = await stepOnce(stage, going);
      yield { ...step, written: () => (written = step.step) };
      written = step.step;
      if (state.step - saved >= keepEvery) await save();
    }
  } catch (error) {
    failed = true;
    throw error;
  } finally {
    // What is written is always whole: only an update that failed midway has touched the state, and says so. What failed
    // first is told.
    await save().catch((error: unknown) => {
      if (!failed) throw error;
    });
  }
  return averaged(state);
}

interface Going {
  readonly run: Run;
  readonly loader: Loader;
  readonly state: State;
  readonly prepared: Prepared;
  readonly gradients: Program;
  readonly updater: Updater;
}

async function stepOnce(stage: Stage, going: Going): Promise<Omit<LiveStep, "written">> {
  const { state, loader, prepared, updater } = going;
  const parts = stage.accumulate ?? 1;
  const { gradients, metrics, samples } = await accumulate(going.gradients, prepared, {
    state,
    loader,
    parts,
    memory: updater.gradients,
  });
  if (!Number.isFinite(metrics.loss))
    throw await explainNotFinite(stage, going, `the loss is ${metrics.loss}`);
  const { norm, rate } = await updater.step(state, gradients);
  if (!Number.isFinite(norm))
    throw await explainNotFinite(stage, going, `the norm of the gradients is ${norm}`);
  return { step: state.step, metrics, norm, rate, samples, averaged: () => averaged(state) };
}
