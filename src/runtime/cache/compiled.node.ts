/**
 * @file Compiled models on disk: a folder for each, named by a hash of all that decides it. Engines write into it themselves and
 * may be killed, or find the disk full, at any moment: a folder counts only with a record of its files' sizes and checksums,
 * written last.
 */
import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, readFile, rename, rm, stat, statfs } from "node:fs/promises";
import { basename, join } from "node:path";
import { RequestError } from "../../base/index.ts";
import { isTorn, takeLock, writeFileAtomic, type Lock } from "../../formats/index.ts";
import { checksumOf } from "./checksum.node.ts";
import { excess, patience, quietly, removeAbandoned, renew, type Kept } from "./room.node.ts";
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
/** How names end of what is needed only while a folder is filled: no part of a model, and gone with the next pruning. */
export const passingEnd = ".data";

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
    const lock = await takeLock(lockOf(folder), { patience });
    return typeof lock === "number" ? null : await lockedPlace(folder, lock, limit);
  } catch (error) {
    if (error instanceof Error && "syscall" in error) return null;
    throw error;
  }
}

const isPlace = (name: string) => /^[0-9a-f]{40}$/.test(name);
/** Names the process that fills a folder. */
const lockOf = (folder: string) => `${folder}.lock`;

async function lockedPlace(folder: string, lock: Lock, limit: number): Promise<CompiledPlace> {
  try {
    // It may have become whole between the look and the lock.
    if (!(await isWhole(folder))) {
      await remove(folder);
      await mkdir(folder);
      return emptyPlace(folder, lock, limit);
    }
  } catch (error) {
    await lock[Symbol.asyncDispose]();
    throw error;
  }
  await lock[Symbol.asyncDispose]();
  return wholePlace(folder);
}

function wholePlace(folder: string): CompiledPlace {
  return {
    folder,
    state: "whole",
    keep: () => touch(folder),
    discard: () => quietly(() => remove(folder)),
  };
}

function emptyPlace(folder: string, lock: Lock, limit: number): CompiledPlace {
  const discard = async () => {
    // Taken over, it is another's to fill.
    await quietly(async () => ((await lock.isHeld()) ? remove(folder) : undefined));
    await lock[Symbol.asyncDispose]();
  };
  const record = async () => {
    // A full disk cuts files short without a word.
    if (!(await lock.isHeld()) || !(await hasRoom(0))) return false;
    await writeRecord(folder);
    return true;
  };
  return {
    folder,
    state: "empty",
    async keep() {
      if (!(await record().catch(() => false))) return discard();
      await lock[Symbol.asyncDispose]();
      await quietly(() => prune(limit, folder));
    },
    discard,
  };
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
  /** What `checksumOf` said of each: an engine may crash on a file that was damaged since. */
  readonly sums: Readonly<{ [name: string]: number }>;
}

async function writeRecord(folder: string): Promise<void> {
  const files: { [name: string]: number } = {};
  const sums: { [name: string]: number } = {};
  for (const name of await readdir(folder)) {
    if (name.endsWith(passingEnd)) continue;
    const handle = await open(join(folder, name), "r");
    try {
      await handle.sync();
      files[name] = (await handle.stat()).size;
      sums[name] = await checksumOf(handle);
    } finally {
      await handle.close();
    }
  }
  const record: Record = { folder, files, sums };
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

/** Whether a folder's files are all there, in their full size and undamaged. */
async function isWhole(folder: string): Promise<boolean> {
  if ((await wholeBytes(folder)) === null) return false;
  try {
    const record = JSON.parse(await readFile(join(folder, recordName), "utf8")) as Partial<Record>;
    for (const name of Object.keys(record.files ?? {})) {
      await using file = await open(join(folder, name), "r");
      if ((await checksumOf(file)) !== record.sums?.[name]) return false;
    }
    return true;
  } catch {
    return false;
  }
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
  await quietly(() => renew(join(folder, recordName)));
}

/** Removes the longest unused until the rest fits, and what killed processes left. What others remove meanwhile is gone. */
async function prune(limit: number, fresh: string): Promise<void> {
  await quietly(() => removeAbandoned(root(), () => false));
  for (const name of await readdir(root())) {
    const path = join(root(), name);
    if (name.endsWith(".gone") || isTorn(name))
      await quietly(() => rm(path, { recursive: true, force: true }));
    if (name.endsWith(".lock")) await quietly(() => removeUnlocked(path));
  }
  const known: Kept[] = [];
  for (const name of (await readdir(root())).filter(isPlace)) {
    const path = join(root(), name);
    const used = await stat(join(path, recordName)).then(
      ({ mtimeMs }) => mtimeMs,
      () => null,
    );
    const bytes = await wholeBytes(path);
    // Being filled, or cut short by somebody: the lock tells.
    if (bytes === null || used === null) await quietly(() => removeUnlocked(lockOf(path)));
    else {
      known.push({ path, bytes, used });
      await quietly(() => removePassing(path));
    }
  }
  for (const { path } of excess(known, { limit, fresh })) await quietly(() => remove(path));
}

async function removePassing(folder: string): Promise<void> {
  for (const name of await readdir(folder))
    if (name.endsWith(passingEnd)) await rm(join(folder, name), { force: true });
}

/** Removes a folder that is not whole where nobody fills it, and a lock that is nobody's. */
async function removeUnlocked(path: string): Promise<void> {
  const lock = await takeLock(path, { patience });
  if (typeof lock === "number") return;
  try {
    const folder = path.slice(0, -".lock".length);
    // Its maker may have been killed after all was done. Locks have locks of their own, beside which there is no folder.
    if (isPlace(basename(folder)) && !(await isWhole(folder))) await remove(folder);
  } finally {
    await lock[Symbol.asyncDispose]();
  }
}
