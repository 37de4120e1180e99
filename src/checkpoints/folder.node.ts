/** @file Opens a diffusers folder on this machine. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { FormatError } from "../base/index.ts";
import { openSafetensors, readJsonFile } from "../formats/index.ts";
import { openFolderOf, type DiffusersFolder } from "./folder.ts";
import { findWeights } from "./weight-files.node.ts";
import type { Variant } from "./weight-names.ts";

/** Opens the folder at `path`; throws a WeightError or FormatError that names the file and what is wrong with it. */
export async function openFolder(
  path: string,
  { variant = "any" }: { variant?: Variant } = {},
): Promise<DiffusersFolder> {
  if (!(await isThere(join(path, "model_index.json"))))
    throw new FormatError(`${path} has no model_index.json, so it is not a diffusers folder`, {
      hint: "give the folder that holds model_index.json, unet/ and vae/",
    });
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

/** Whether anything lies at `path`; what keeps it from being seen is for its reader to say. */
async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    ({ code }: NodeJS.ErrnoException) => code !== "ENOENT" && code !== "ENOTDIR",
  );
}
