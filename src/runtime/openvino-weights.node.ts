/**
 * @file Models whose weights are regions of files, as OpenVINO wants them: it reads external data from below the model
 * file's own folder only, so model and weights meet in the cache folder, where the f32 twins lie already. Other weight
 * files get a second name there, or, on another file system, a copy. Once a model is read its files are mapped, and the names go.
 */
import { createHash, randomUUID } from "node:crypto";
import {
  copyFile,
  link,
  mkdir,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { EngineError } from "../base/index.ts";
import { twinFolder } from "./twin.node.ts";

/** Older temporary files are of processes that were killed: reading a model takes seconds. */
const patience = 3_600_000;
const temporary = /^reading-[0-9a-f-]{36}\.(onnx|data)$/;

/** Names of weight files for a model file that lies beside them. */
export interface Gathered extends AsyncDisposable {
  /** What the model must call a weight file. */
  nameOf(this: void, file: string): string;
  /** Writes the model beside the weights and returns its path. */
  write(this: void, model: Uint8Array): Promise<string>;
}

/** Brings weight files together in the cache folder until disposed. */
export async function gatherWeights(files: Iterable<string>): Promise<Gathered> {
  const folder = twinFolder();
  const made: string[] = [];
  const dispose = async () => {
    // Some systems keep the name of a mapped file: then a later start removes it.
    for (const path of made) await rm(path, { force: true }).catch(() => undefined);
  };
  const fresh = (end: string) => {
    const path = join(folder, `reading-${randomUUID()}.${end}`);
    made.push(path);
    return path;
  };
  try {
    await mkdir(folder, { recursive: true });
    const names = new Map<string, string>();
    for (const file of files)
      if (!names.has(file)) names.set(file, await nameIn(folder, file, fresh));
    return {
      nameOf: (file) => names.get(file) ?? file,
      write: async (model) => {
        const path = fresh("onnx");
        await writeFile(path, model, { flag: "wx" }).catch((cause: unknown) => {
          throw unwritable(folder, cause);
        });
        await prune(folder, path);
        return path;
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (cause) {
    await dispose();
    throw cause instanceof EngineError ? cause : unwritable(folder, cause);
  }
}

const unwritable = (folder: string, cause: unknown) =>
  new EngineError(`the cache folder ${folder} cannot hold a model for OpenVINO to read`, {
    hint: "free some room, or set LIMN_CACHE to a folder that can be written",
    cause,
  });

/** The name of a weight file in the folder: its own, a second one, or that of a copy. */
async function nameIn(
  folder: string,
  file: string,
  fresh: (end: string) => string,
): Promise<string> {
  const real = await realpath(file).catch((cause: unknown) => {
    throw new EngineError(`the weight file ${file} is gone`, { cause });
  });
  if (dirname(real) === (await realpath(folder))) return basename(real);
  const second = fresh("data");
  try {
    await link(real, second);
    return basename(second);
  } catch {
    return basename(await copyIn(folder, real, second));
  }
}

/** A copy is kept, as a twin is: making it costs more than reading it. */
async function copyIn(folder: string, file: string, second: string): Promise<string> {
  const { size, mtimeMs, ino, dev } = await stat(file);
  const words = [dev, ino, size, mtimeMs].join("\n");
  const name = createHash("sha256").update(words).digest("hex").slice(0, 32);
  const path = join(folder, `${name}.copy`);
  if (
    await stat(path).then(
      (known) => known.size === size,
      () => false,
    )
  )
    return path;
  await copyFile(file, second);
  await rename(second, path);
  return path;
}

/** Removes what killed processes left: all that is much older than a file that was written just now. */
async function prune(folder: string, now: string): Promise<void> {
  const { ctimeMs } = await stat(now);
  for (const name of await readdir(folder)) {
    if (!temporary.test(name)) continue;
    const path = join(folder, name);
    // The time of its last change of names: a second name has its file's time of writing.
    const age = await stat(path).then(
      (its) => ctimeMs - its.ctimeMs,
      () => 0,
    );
    if (age > patience) await rm(path, { force: true });
  }
}
