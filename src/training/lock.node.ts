/** @file One training at a time in a run folder: a file that names the process at work. */
import { open, readFile, unlink } from "node:fs/promises";
import { resolve } from "node:path";
import { RequestError } from "../base/index.ts";

const held = new Set<string>();

/** Takes a run folder; throws RequestError where a living process has it. Given back by disposing. */
export async function lockFolder(folder: string): Promise<AsyncDisposable> {
  const file = resolve(folder, "training.lock");
  for (;;) {
    if (await create(file)) break;
    const owner = await ownerOf(file);
    if (owner === null) continue; // gone in between
    if (isAtWork(owner, file))
      throw new RequestError("out", `process ${owner} is training in ${folder}`, {
        hint: `wait for it or give another folder; if that process is no training, remove ${file}`,
      });
    await unlink(file).catch(() => undefined);
  }
  held.add(file);
  return {
    async [Symbol.asyncDispose]() {
      held.delete(file);
      await unlink(file).catch(() => undefined);
    },
  };
}

/** Writes the file unless it is there. */
async function create(path: string): Promise<boolean> {
  try {
    const file = await open(path, "wx");
    await file.writeFile(`${process.pid}\n`).finally(() => file.close());
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  }
}

/** The process that wrote the file; 0 where it wrote nothing before it died, null where there is no file. */
async function ownerOf(file: string): Promise<number | null> {
  const text = await readFile(file, "utf8").catch(() => null);
  return text === null ? null : Number.parseInt(text, 10) || 0;
}

/** Whether a process lives. One with this one's number that is not this one ended before: containers count anew. */
function isAtWork(pid: number, file: string): boolean {
  if (pid === process.pid) return held.has(file);
  if (pid === 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
