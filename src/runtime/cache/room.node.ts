/** @file The room that a cache takes: one rule for twins of weights and for compiled models, told by the file system's own clock. */
import { open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { ageOf } from "../../formats/index.ts";

/** Something that can be made again. */
export interface Kept {
  readonly path: string;
  readonly bytes: number;
  /** When it was last used, in milliseconds. */
  readonly used: number;
}

/** Milliseconds after which something unfinished is nobody's: its writer was killed. */
export const patience = 3_600_000;

/** What must go so that the rest takes at most `limit` bytes, the longest unused first; `fresh` is never among it. */
export function excess<K extends Kept>(
  kept: readonly K[],
  { limit, fresh }: { limit: number; fresh: string },
): K[] {
  let total = kept.reduce((sum, { bytes }) => sum + bytes, 0);
  return [...kept]
    .sort((a, b) => a.used - b.used)
    .filter(({ path, bytes }) => {
      if (total <= limit || path === fresh) return false;
      total -= bytes;
      return true;
    });
}

/** Removes a folder's unfinished files whose writers were killed; one that is being written stays. */
export async function removeAbandoned(
  folder: string,
  isUnfinished: (name: string) => boolean,
): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!isUnfinished(name) && !name.startsWith(".now-")) continue;
    const path = join(folder, name);
    if ((await ageOf(path, "changed")) > patience) await rm(path, { force: true });
  }
}

/** Makes a file young by the file system's own clock: its first byte once more, so that only the time of writing changes. */
export async function renew(path: string): Promise<void> {
  await using file = await open(path, "r+");
  const first = new Uint8Array(1);
  const { bytesRead } = await file.read(first, 0, 1, 0);
  await file.write(first.subarray(0, bytesRead), 0, bytesRead, 0);
}

/** Tidies. What cannot be tidied is no reason to draw nothing. */
export async function quietly(work: () => Promise<unknown>): Promise<void> {
  await work().catch(() => undefined);
}
