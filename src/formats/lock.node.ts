/**
 * @file A lock that is a file with its owner's process number, for work that one process at a time may do. A dead owner's lock is
 * taken over by whoever holds the lock of that lock: only there is a lock replaced or removed, after another look at what it says.
 */
import { randomUUID } from "node:crypto";
import { link, readFile, unlink, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { ageOf } from "./age.node.ts";
import { writeFileAtomic } from "./files.node.ts";
import { isAlive } from "./process.node.ts";

/** A lock that this thread has, until it is disposed of. */
export interface Lock extends AsyncDisposable {
  /** Whether nobody has taken it over. */
  isHeld(): Promise<boolean>;
}

/** How long a lock is its owner's. */
export interface Tenure {
  /**
   * Milliseconds after which it is nobody's, whoever bears its number by then; until then one of this process may be that of another
   * thread. Infinity: as long as its owner lives, and one with this process's number that this thread has not taken is another's,
   * since containers count anew.
   */
  readonly patience: number;
}

/** Locks that this thread has or is about to have. */
const taken = new Set<string>();
/** Milliseconds in which whoever replaces or removes a lock is done, and whoever writes one. */
const moment = 2000;

/** Takes the lock at `path`; where a living process has it, that one's number. */
export async function takeLock(path: string, tenure: Tenure): Promise<Lock | number> {
  const file = resolve(path);
  if (taken.has(file)) return process.pid;
  taken.add(file); // at once: two that ask together cannot both come past
  const text = `${process.pid} ${randomUUID()}\n`;
  const owner = await acquire(file, text, tenure).catch((error: unknown) => {
    taken.delete(file);
    throw error;
  });
  if (owner !== null) {
    taken.delete(file);
    return owner;
  }
  let open = true;
  const isHeld = async () => open && (await read(file)) === text;
  return {
    isHeld,
    async [Symbol.asyncDispose]() {
      if (!open) return;
      // One that stays, for whatever reason, is found stale once this process has ended.
      await alone(file, tenure, async () => {
        if (await isHeld()) await unlink(file);
      }).catch(() => undefined);
      if (open) taken.delete(file);
      open = false;
    },
  };
}

/** Puts `text` in place; null where that is done, else the owner's number. */
async function acquire(file: string, text: string, tenure: Tenure): Promise<number | null> {
  for (;;) {
    const found = await read(file);
    if (found === null) {
      if (await put(file, text)) return null;
      continue;
    }
    const owner = ownerOf(found);
    if (!(await isStale(file, owner, tenure))) {
      if (owner !== null) return owner;
      await sleep(20); // it is being written
      continue;
    }
    const after = await alone(file, tenure, async () => {
      // Another may have judged as this one did, and come first.
      if ((await read(file)) !== found) return false;
      await writeFileAtomic(file, new TextEncoder().encode(text));
      return true;
    });
    if (after === true) return null;
    if (typeof after === "number") return after;
  }
}

/** Does what replaces or removes a lock while nobody else does; the number of whoever does so for too long instead. */
async function alone<T>(file: string, tenure: Tenure, work: () => Promise<T>): Promise<T | number> {
  const path = `${file}.lock`;
  for (let waited = 0; ; waited += 5) {
    if (!taken.has(path)) {
      taken.add(path);
      try {
        const text = `${process.pid} ${randomUUID()}\n`;
        const owner = await acquire(path, text, tenure);
        if (owner === null) return await work().finally(() => removeOwn(path, text));
        if (waited >= moment) return owner;
      } finally {
        taken.delete(path);
      }
    } else if (waited >= moment) return process.pid;
    await sleep(5);
  }
}

/** The lock of a lock is held for a moment: nobody takes it over meanwhile. */
async function removeOwn(path: string, text: string): Promise<void> {
  if ((await read(path)) === text) await unlink(path).catch(() => undefined);
}

/** What a lock says; null where there is none. */
async function read(file: string): Promise<string | null> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
}

/** The process that a lock names; null where it is not whole. */
function ownerOf(text: string): number | null {
  const number = /^([1-9]\d*)\b.*\n$/.exec(text)?.[1];
  return number === undefined ? null : Number(number);
}

async function isStale(file: string, owner: number | null, { patience }: Tenure): Promise<boolean> {
  if (owner === null) return (await ageOf(file, "written")) > moment;
  if (!isAlive(owner)) return true;
  if (patience === Infinity) return owner === process.pid;
  return (await ageOf(file, "written")) > patience;
}

/** Makes a lock that is not there yet, whole from the first moment where the file system can; false where there is one. */
async function put(file: string, text: string): Promise<boolean> {
  const claim = join(dirname(file), `.${basename(file)}.${randomUUID()}.tmp`);
  await writeFile(claim, text, { flag: "wx" });
  try {
    await link(claim, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    return await write(file, text);
  } finally {
    await unlink(claim).catch(() => undefined); // somebody may have tidied it away
  }
}

/** Without second names, as on exFAT, others may see half of it, and one that is slow may lose it. */
async function write(file: string, text: string): Promise<boolean> {
  try {
    await writeFile(file, text, { flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    await unlink(file).catch(() => undefined); // it was begun
    throw error;
  }
  return (await read(file)) === text;
}
