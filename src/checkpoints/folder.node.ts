/** @file Opens a diffusers folder on this machine. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { FormatError } from "../base/index.ts";
import { openSafetensors, readJsonFile } from "../formats/index.ts";
import { openFolderOf, type DiffusersFolder } from "./folder.ts";
import { parseModelIndex, type ModelIndex } from "./model-index.ts";
import { findWeights } from "./weight-files.node.ts";
import type { Variant } from "./weight-names.ts";

/** Opens the folder at `path`; throws a WeightError or FormatError that names the file and what is wrong with it. */
export async function openFolder(
  path: string,
  { variant = "any" }: { variant?: Variant } = {},
): Promise<DiffusersFolder> {
  await findIndex(path);
  return openFolderOf({
    path,
    join,
    json: readJsonFile,
    isFolder: (part) =>
      stat(join(path, part)).then(
        (found) => found.isDirectory(),
        () => false,
      ),
    async weights(folder) {
      const file = await findWeights(folder, variant);
      return { file, index: await openSafetensors(file) };
    },
  });
}

/** What model_index.json of the folder at `path` says: which parts there are, before any is opened. */
export async function readModelIndex(path: string): Promise<ModelIndex> {
  const file = await findIndex(path);
  return parseModelIndex(await readJsonFile(file), file);
}

/** The path of model_index.json; throws where there is none. What else is wrong with it its reader says. */
async function findIndex(path: string): Promise<string> {
  const file = join(path, "model_index.json");
  await stat(file).catch(({ code }: NodeJS.ErrnoException) => {
    if (code !== "ENOENT" && code !== "ENOTDIR") return;
    throw new FormatError(`${path} has no model_index.json, so it is not a diffusers folder`, {
      hint: "give the folder that holds model_index.json, unet/ and vae/",
    });
  });
  return file;
}
