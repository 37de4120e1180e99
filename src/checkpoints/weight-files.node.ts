/** @file Finds the weight file of one part of a diffusers folder. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { FormatError, listed } from "../base/index.ts";
import { weightNames, type Variant } from "./weight-names.ts";

/** Path of a part's weights: one `.safetensors`, or the index of its shards. */
export async function findWeights(folder: string, variant: Variant): Promise<string> {
  const files = await readdir(folder);
  const file = weightNames[variant].find((name) => files.includes(name));
  if (file) return join(folder, file);
  const pickles = files.filter((name) => /\.(bin|ckpt|pt|pth)$/.test(name));
  const found = pickles.length > 0 ? `only ${listed(pickles)}` : "no weights";
  throw new FormatError(
    `${folder} has ${found}; limn reads .safetensors here (${weightNames[variant].join(", ")})`,
    pickles.length > 0 ? { hint: "get the .safetensors variant of the same model" } : {},
  );
}
