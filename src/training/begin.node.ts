/** @file Where a stage begins: at its newest checkpoint that can be read and is its own, or anew. */
import { join } from "node:path";
import {
  checkFingerprint,
  fingerprintOf,
  hasFingerprint,
  type Fingerprint,
} from "./fingerprint.node.ts";
import { optimizer } from "./optimizers.ts";
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
} from "./state.node.ts";

/** All that a stage's first step needs, and what is worth telling before it. */
export interface Beginning {
  readonly prepared: Prepared;
  readonly fingerprint: Fingerprint;
  readonly state: State;
  readonly notes: readonly string[];
}

const unmarked = (file: string) =>
  `${file} does not say by which recipe it was made; taken to be this one's`;

/** Reads the newest checkpoint, or makes a fresh state. Throws RequestError when the recipe has changed since. */
export async function begin(stage: Stage, run: Run): Promise<Beginning> {
  const prepared = prepare(stage);
  const fingerprint = fingerprintOf(stage, prepared);
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
    return { prepared, fingerprint, state, notes: [] };
  }
  const { file, index } = found;
  const notes = unreadable.map((other) => `${other} cannot be read; going on from ${file}`);
  if (hasFingerprint(index.metadata)) checkFingerprint(file, index.metadata, fingerprint);
  else notes.push(unmarked(file));
  return { prepared, fingerprint, state: await readState(found, layout), notes };
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
