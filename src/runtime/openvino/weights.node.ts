/**
 * @file Models whose weights are regions of files, as OpenVINO wants them: it reads external data from below the model
 * file's own folder only, so model and weights meet in the cache folder, where the f32 twins lie already. Other weight
 * files get a second name there, or, on another file system, a copy. Once a model is read its files are mapped, and the names go.
 */
import { randomUUID } from "node:crypto";
import { copyFile, link, mkdir, open, realpath, rename, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { EngineError, LimnError } from "../../base/index.ts";
import { identityOf } from "../../formats/index.ts";
import { removeUnfinished, twinFolder, twinOf } from "../cache/twin-folder.node.ts";

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
        await removeUnfinished(folder).catch(() => undefined);
        return path;
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (cause) {
    await dispose();
    throw cause instanceof LimnError ? cause : unwritable(folder, cause);
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
  const { path: real } = await identityOf(file);
  if (dirname(real) === (await realpath(folder))) return basename(real);
  const second = fresh("data");
  try {
    await link(real, second);
    return basename(second);
  } catch {
    return basename(await copyIn(real, second));
  }
}

/**
 * Gives a weight file a second name, `second`, in a folder of the cache: of the file itself, else of its copy in the cache, where it
 * lies on another disk or is another user's; where files have one name only, `second` is a copy.
 */
export async function bringWeights(file: string, second: string): Promise<void> {
  const folder = twinFolder();
  await link(file, second).catch(async () => {
    const isNear = dirname(file) === (await realpath(folder).catch(() => null));
    const near = isNear ? file : await copyIn(file, join(folder, `reading-${randomUUID()}.data`));
    await link(near, second).catch(() => copyFile(near, second));
  });
}

/** A copy is kept, as a twin is: making it costs more than reading it. */
function copyIn(file: string, second: string): Promise<string> {
  return twinOf(file, "copy", async (path) => {
    try {
      await copyFile(file, second);
      const handle = await open(second, "r+");
      await handle.sync().finally(() => handle.close());
      await rename(second, path);
    } catch (error) {
      await rm(second, { force: true });
      throw error;
    }
  });
}
