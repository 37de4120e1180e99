/** @file Places for results, tried before the work and not after it. */
import { randomUUID } from "node:crypto";
import { mkdir, open, stat, unlink } from "node:fs/promises";
import { dirname, extname, join } from "node:path";
import { EngineError, RequestError, systemReason } from "../base/index.ts";

/** Makes a folder unless it is there, and tries to write into it; `field` is the argument that named it. */
export async function prepareFolder(field: string, folder: string): Promise<void> {
  try {
    await makeFolder(folder);
    const trial = join(folder, `.limn-${randomUUID()}.tmp`);
    const file = await open(trial, "wx");
    await file.close();
    await unlink(trial);
  } catch (error) {
    const found = systemReason(error);
    if (!found) throw error;
    const { reason, hint } = found;
    throw new RequestError(field, `cannot write into ${folder}: ${reason}`, { hint });
  }
}

/** The folder of a file of latents, ready to be written into. */
export async function prepareLatentsFile(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found?.isDirectory())
    throw new RequestError("save-latents", `${path} is a folder`, {
      hint: "give the name of a file that ends in .safetensors",
    });
  if (extname(path).toLowerCase() !== ".safetensors")
    throw new RequestError("save-latents", `limn writes .safetensors files, got "${path}"`, {
      hint: "give a name that ends in .safetensors",
    });
  await prepareFolder("save-latents", dirname(path));
}

/** An error while `path` was written, in one sentence. */
export function writingError(path: string, error: unknown): unknown {
  const found = systemReason(error);
  if (!found) return error;
  const { reason, hint } = found;
  return new EngineError(`cannot write ${path}: ${reason}`, { hint, cause: error });
}

/** As mkdir with `recursive`, which tries for ever where the system denies having the folder's parent, as /proc does. */
async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if ((await stat(folder).catch(() => null))?.isDirectory()) return;
    const parent = dirname(folder);
    if (code !== "ENOENT" || parent === folder) throw error;
    await makeFolder(parent);
    await mkdir(folder);
  }
}
