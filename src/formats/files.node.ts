/** @file Whole-file writing that a crash cannot tear: a temporary neighbour, fsync, rename. */
import { randomUUID } from "node:crypto";
import { open, readdir, rename, unlink, type FileHandle } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

/** Pieces of a file in order. */
export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>;

/** Puts `bytes` at `path`, whole or not at all; an older file stays until the new one is on disk. */
export async function writeFileAtomic(path: string, bytes: Uint8Array): Promise<void> {
  await writeChunksAtomic(path, [bytes]);
}

/** As `writeFileAtomic`, from pieces that need not be in memory together. */
export async function writeChunksAtomic(path: string, chunks: Chunks): Promise<void> {
  // Same folder, hence the same file system: only there a rename is one step.
  const temporary = join(dirname(path), `.${short(basename(path))}.${randomUUID()}.tmp`);
  const file = await open(temporary, "wx");
  try {
    try {
      for await (const chunk of chunks) await writeWhole(file, chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined); // what went wrong first is what matters
    throw error;
  }
  await syncFolder(dirname(path));
}

/** File systems count bytes, 255 of them: a character may take up to four. */
function short(name: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(name).subarray(0, 100));
}

const torn = /^\..*\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.tmp$/;

/** Whether a name is that of a file that is being written, or was when its writer was killed. */
export function isTorn(name: string): boolean {
  return torn.test(name);
}

/** Removes what writers that were killed left in a folder. Only for a folder that nobody else is writing to. */
export async function removeTorn(folder: string): Promise<void> {
  for (const name of await readdir(folder)) if (isTorn(name)) await unlink(join(folder, name));
}

async function writeWhole(file: FileHandle, bytes: Uint8Array): Promise<void> {
  const step = 2 ** 28; // one call writes less than 2 GiB
  for (let at = 0; at < bytes.length; at += step)
    await file.writeFile(bytes.subarray(at, at + step));
}

/** Makes the rename itself durable, where the system can open a folder (Windows cannot). */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
