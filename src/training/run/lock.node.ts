/** @file One training at a time in a run folder: a file that names the process at work. */
import { resolve } from "node:path";
import { RequestError } from "../../base/index.ts";
import { takeLock } from "../../formats/index.ts";

/** Takes a run folder; throws RequestError where a living process has it. Given back by disposing. */
export async function lockFolder(folder: string): Promise<AsyncDisposable> {
  const file = resolve(folder, "training.lock");
  const lock = await takeLock(file, { patience: Infinity }); // a training may take weeks
  if (typeof lock !== "number") return lock;
  throw new RequestError("out", `process ${lock} is training in ${resolve(folder)}`, {
    hint: `wait for it or give another folder; if that process is no training, remove ${file}`,
  });
}
