/** @file Where a stage begins: at its newest checkpoint that can be read and is its own, or anew. */
import { join } from "node:path";
import { RequestError } from "../base/index.ts";
import {
  checkFingerprint,
  computedBy,
  computedThen,
  fingerprintOf,
  hasFingerprint,
  marksOf,
  type Marks,
} from "./run/fingerprint.node.ts";
import { optimizer } from "./optimizers/optimizers.ts";
import { prepare, type Prepared } from "./prepare.ts";
import type { Run, Stage } from "./recipe.ts";
import {
  finishedFile,
  freshState,
  layoutOf,
  newestCheckpoint,
  openFinished,
  readState,
  type State,
} from "./run/state.node.ts";

/** What becomes of a run whose checkpoint was computed by another engine or in another precision. */
export type OtherEngine = "refuse" | "go on";

/** All that a stage's first step needs, and what is worth telling before it. */
export interface Beginning {
  readonly prepared: Prepared;
  /** What files that come of it say of themselves. */
  readonly marks: Marks;
  readonly state: State;
  readonly notes: readonly string[];
}

const unmarked = (file: string) =>
  `${file} does not say by which recipe it was made; taken to be this one's`;

/** Reads the newest checkpoint, or makes a fresh state. Throws RequestError when the recipe has changed since. */
export async function begin(
  stage: Stage,
  run: Run,
  otherEngine: OtherEngine = "refuse",
): Promise<Beginning> {
  const prepared = prepare(stage);
  const fingerprint = fingerprintOf(stage, prepared);
  const marks = marksOf(fingerprint, run);
  const { parameters, trained } = prepared;
  const layout = layoutOf(parameters, {
    moving: new Set(trained.map(({ path }) => path)),
    rule: optimizer(stage.optimizer),
    average: stage.ema !== null,
  });
  const folder = join(run.folder, stage.name);
  const { found, unreadable } = await newestCheckpoint(folder);
  if (!found) {
    const start = (await stage.start?.(run)) ?? new Map<string, Float32Array>();
    const state = freshState(parameters, layout, { seed: stage.seed, start });
    return { prepared, marks, state, notes: [] };
  }
  const { file, index } = found;
  const notes = unreadable.map((other) => `${other} cannot be read; going on from ${file}`);
  if (hasFingerprint(index.metadata)) checkFingerprint(file, index.metadata, fingerprint);
  else notes.push(unmarked(file));
  notes.push(...engineNotes(file, computedThen(index.metadata), run, otherEngine));
  return { prepared, marks, state: await readState(found, layout), notes };
}

/** Throws RequestError where another engine or precision would go on with a checkpoint, unless it may. */
function engineNotes(file: string, then: string, run: Run, otherEngine: OtherEngine): string[] {
  const now = computedBy(run);
  if (then === now) return [];
  if (otherEngine === "go on") return [`going on with ${now} where ${then} has left off`];
  const [engine, precision] = then.split(" ");
  throw new RequestError("engine", `${file} was computed by ${then}, not by ${now}`, {
    hint: `--engine ${engine} --precision ${precision} goes on to the same bits, --switch-engine goes on with ${now}`,
  });
}

/** Notes on a stage that is finished; null where it is not. Throws RequestError when the recipe has changed since. */
export async function finishedNotes(stage: Stage, run: Run): Promise<string[] | null> {
  const folder = join(run.folder, stage.name);
  const metadata = await openFinished(folder);
  if (metadata === null) return null;
  const already = `already finished: ${folder}`;
  const file = finishedFile(folder);
  if (!hasFingerprint(metadata)) return [already, unmarked(file)];
  checkFingerprint(file, metadata, fingerprintOf(stage, prepare(stage)));
  return [already];
}
