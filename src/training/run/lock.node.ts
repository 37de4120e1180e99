/** @file One training at a time in a run folder: a file that names the process at work. */
import { randomUUID } from "node:crypto";
import { constants, copyFile, link, readFile, rename, unlink, writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { RequestError } from "../../base/index.ts";
import { isAlive } from "../../formats/index.ts";

const held = new Set<string>();

/** Takes a run folder; throws RequestError where a living process has it. Given back by disposing. */
export async function lockFolder(folder: string): Promise<AsyncDisposable> {
  const file = resolve(folder, "training.lock");
  if (held.has(file)) throw taken(process.pid, file);
  held.add(file); // at once: two trainings of this process cannot both come past
  try {
    await take(file);
  } catch (error) {
    held.delete(file);
    throw error;
  }
  return {
    async [Symbol.asyncDispose]() {
      await unlink(file).catch(() => undefined);
      held.delete(file);
    },
  };
}

/** Puts a file that names this process in place, whole from the first moment; a dead owner's gives way. */
async function take(file: string): Promise<void> {
  const claim = `${file}.${randomUUID()}`;
  // The second word tells this claim from one of a process that bore the same number.
  await writeFile(claim, `${process.pid} ${randomUUID()}\n`, { flag: "wx" });
  try {
    while (!(await put(claim, file))) {
      const text = await readClaim(file);
      if (text === null) continue; // gone in between
      const owner = Number.parseInt(text, 10) || 0;
      // This process's own number, without its lock, was another's: containers count anew.
      if (owner > 0 && owner !== process.pid && isAlive(owner)) throw taken(owner, file);
      await removeStale(file, text);
    }
  } finally {
    await unlink(claim);
  }
}

/** Whether `claim` is now `file` too; false where that name was taken. */
async function put(claim: string, file: string): Promise<boolean> {
  try {
    await link(claim, file).catch((error: NodeJS.ErrnoException) => {
      if (error.code === "EEXIST") throw error;
      // Some file systems, such as exFAT, have no second names.
      return copyFile(claim, file, constants.COPYFILE_EXCL);
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** Removes the lock that was found stale, and no other: one that was put there since goes back. */
async function removeStale(file: string, stale: string): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  if ((await readClaim(aside)) !== stale) await put(aside, file);
  await unlink(aside);
}

/** What a lock says; null where there is none. */
async function readClaim(file: string): Promise<string | null> {
  return readFile(file, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
}

const taken = (owner: number, file: string) =>
  new RequestError("out", `process ${owner} is training in ${resolve(file, "..")}`, {
    hint: `wait for it or give another folder; if that process is no training, remove ${file}`,
  });
