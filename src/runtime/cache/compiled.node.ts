/**
 * @file Compiled models on disk: a folder for each, named by a hash of all that decides it. Engines write into it themselves and
 * may be killed, or find the disk full, at any moment: a folder counts only with a record of its files' sizes, written last.
 */
import { createHash, randomUUID } from "node:crypto";
import {
  link,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  unlink,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { RequestError } from "../../base/index.ts";
import { isAlive, writeFileAtomic } from "../../formats/index.ts";
import { ageOf, excess, patience, removeAbandoned, type Kept } from "./room.node.ts";
import { cacheFolder } from "../folders.node.ts";

/** A compiled model's folder: whole, or empty and this process's to fill. */
export interface CompiledPlace {
  readonly folder: string;
  readonly state: "whole" | "empty";
  /** Tells that an empty one is filled: makes it whole, and older ones go if all together have become too large. */
  keep(): Promise<void>;
  /** Removes it: it could not be filled, or is of no use. */
  discard(): Promise<void>;
}

/** Bytes that all compiled models together may have. */
const defaultLimit = 8e9;
/** Left on the disk for others, whatever is cached. */
const reserve = 256e6;
const recordName = "record.json";

const root = (): string => join(cacheFolder(), "compiled");

/** `LIMN_CACHE_BYTES`, else 8 GB; 0 turns caching off. */
export function cacheLimit(): number {
  const { LIMN_CACHE_BYTES: text } = process.env;
  if (text === undefined || text === "") return defaultLimit;
  const bytes = Number(text);
  if (Number.isFinite(bytes) && bytes >= 0) return bytes;
  throw new RequestError("LIMN_CACHE_BYTES", `must be a number of bytes, got "${text}"`);
}

/** A name for all that decides a compiled model. */
export function cacheKey(parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(`${part.length}\n`).update(part);
  return hash.digest("hex").slice(0, 40);
}

/**
 * The place of a compiled model of about `bytes`; null where none is to be had: another process is filling it, it would be
 * too large, there is no room for it, or nothing can be written there. Never throws for the disk's sake.
 */
export async function openCompiled(key: string, bytes: number): Promise<CompiledPlace | null> {
  const limit = cacheLimit();
  const folder = join(root(), key);
  try {
    if (await isWhole(folder)) return wholePlace(folder);
    if (bytes > limit || !(await hasRoom(bytes))) return null;
    const unlock = await lock(folder);
    if (unlock === null) return null;
    // It may have become whole between the look and the lock.
    if (await isWhole(folder)) {
      await unlock();
      return wholePlace(folder);
    }
    await remove(folder);
    await mkdir(folder);
    return emptyPlace(folder, { unlock, limit });
  } catch (error) {
    if (error instanceof Error && "syscall" in error) return null;
    throw error;
  }
}

function wholePlace(folder: string): CompiledPlace {
  return {
    folder,
    state: "whole",
    keep: () => touch(folder),
    discard: () => quietly(() => remove(folder)),
  };
}

function emptyPlace(
  folder: string,
  { unlock, limit }: { unlock: () => Promise<void>; limit: number },
): CompiledPlace {
  const discard = async () => {
    await quietly(() => remove(folder));
    await quietly(unlock);
  };
  return {
    folder,
    state: "empty",
    async keep() {
      try {
        // A full disk cuts files short without a word.
        if (!(await hasRoom(0))) return await discard();
        await writeRecord(folder);
        await quietly(unlock);
        await prune(limit, folder);
      } catch {
        await discard();
      }
    },
    discard,
  };
}

/** What cannot be done to the cache is no reason to draw nothing. */
async function quietly(work: () => Promise<unknown>): Promise<void> {
  await work().catch(() => undefined);
}

async function hasRoom(bytes: number): Promise<boolean> {
  await mkdir(root(), { recursive: true });
  const { bavail, bsize } = await statfs(root());
  return bavail * bsize > bytes * 1.1 + reserve;
}

interface Record {
  /** Where it was made: engines write places into their files. */
  readonly folder: string;
  readonly files: Readonly<{ [name: string]: number }>;
}

async function writeRecord(folder: string): Promise<void> {
  const files: { [name: string]: number } = {};
  for (const name of await readdir(folder)) {
    const handle = await open(join(folder, name), "r");
    try {
      await handle.sync();
      files[name] = (await handle.stat()).size;
    } finally {
      await handle.close();
    }
  }
  const record: Record = { folder, files };
  await writeFileAtomic(join(folder, recordName), new TextEncoder().encode(JSON.stringify(record)));
}

/** Bytes of a folder whose files are all there in their full size; null for any other. */
async function wholeBytes(folder: string): Promise<number | null> {
  try {
    const record = JSON.parse(await readFile(join(folder, recordName), "utf8")) as Record;
    if (record.folder !== folder) return null;
    let bytes = 0;
    for (const [name, size] of Object.entries(record.files)) {
      if ((await stat(join(folder, name))).size !== size) return null;
      bytes += size;
    }
    return bytes;
  } catch {
    return null;
  }
}

const isWhole = async (folder: string) => (await wholeBytes(folder)) !== null;

/** Takes the right to fill a folder; null where another process has it. */
async function lock(folder: string): Promise<(() => Promise<void>) | null> {
  const path = `${folder}.lock`;
  for (let tries = 0; tries < 2; tries++) {
    try {
      await writeNew(path, String(process.pid));
      return () => unlink(path);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      if (!(await isAbandoned(path))) return null;
      // Renamed first: of two that find it abandoned, one takes it away.
      const aside = `${path}.${randomUUID()}.gone`;
      await quietly(() => rename(path, aside));
      await rm(aside, { force: true });
    }
  }
  return null;
}

/** Writes a file that is not there yet, all of it at once: one that is empty would be nobody's, and nobody could tell. */
async function writeNew(path: string, text: string): Promise<void> {
  const aside = `${path}.${randomUUID()}.gone`;
  await writeFile(aside, text);
  try {
    await link(aside, path);
  } finally {
    await rm(aside, { force: true });
  }
}

async function isAbandoned(path: string): Promise<boolean> {
  const text = await readFile(path, "utf8").catch(() => "");
  const id = Number(text);
  // This process asks for what another of its threads may be filling. After a while a lock is nobody's, even if its process
  // number is in use again.
  return (
    (Number.isInteger(id) && id > 0 && !isAlive(id)) || (await ageOf(path, "written")) > patience
  );
}

/** Out of everybody's sight at once, then gone: what is mapped stays mapped. */
async function remove(folder: string): Promise<void> {
  const aside = `${folder}.${randomUUID()}.gone`;
  try {
    await rename(folder, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  await rm(aside, { recursive: true, force: true });
}

/** Its use makes a compiled model young again. */
async function touch(folder: string): Promise<void> {
  await quietly(async () => {
    const handle = await open(join(folder, recordName), "r+");
    // The first letter of every record, once more: only the time of writing changes.
    await handle.write("{", 0).finally(() => handle.close());
  });
}

/** Removes the longest unused until the rest fits, and what killed processes left. */
async function prune(limit: number, fresh: string): Promise<void> {
  await quietly(() => removeAbandoned(root(), () => false));
  const names = await readdir(root());
  for (const name of names) {
    const path = join(root(), name);
    if (name.endsWith(".gone")) await quietly(() => rm(path, { recursive: true, force: true }));
    if (name.endsWith(".lock") && (await isAbandoned(path))) {
      const folder = path.slice(0, -".lock".length);
      // Its maker may have been killed after all was done.
      if (!(await isWhole(folder))) await quietly(() => remove(folder));
      await quietly(() => unlink(path));
    }
  }
  const known: Kept[] = [];
  for (const name of names.filter((each) => /^[0-9a-f]{40}$/.test(each))) {
    const path = join(root(), name);
    const bytes = await wholeBytes(path);
    if (bytes === null) {
      // Being filled, or cut short by somebody: the lock tells.
      if (!names.includes(`${name}.lock`)) await quietly(() => remove(path));
    } else known.push({ path, bytes, used: (await stat(join(path, recordName))).mtimeMs });
  }
  for (const { path } of excess(known, { limit, fresh })) await quietly(() => remove(path));
}
