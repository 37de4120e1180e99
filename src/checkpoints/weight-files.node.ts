/** @file Finds the weight file of one part of a diffusers folder. */
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { FormatError, listed } from "../base/index.ts";

/** Which precision to take where a folder has several: the full one first, or one of the two only. */
export type Variant = "any" | "full" | "fp16";

const stems = ["diffusion_pytorch_model", "model"] as const;
const full = stems.flatMap((s) => [`${s}.safetensors`, `${s}.safetensors.index.json`]);
const fp16 = stems.flatMap((s) => [
  `${s}.fp16.safetensors`,
  `${s}.safetensors.index.fp16.json`,
  `${s}.fp16.safetensors.index.json`,
]);
const candidates = { any: [...full, ...fp16], full, fp16 } as const;

/** Path of a part's weights: one `.safetensors`, or the index of its shards. */
export async function findWeights(folder: string, variant: Variant): Promise<string> {
  const files = await readdir(folder);
  const file = candidates[variant].find((name) => files.includes(name));
  if (file) return join(folder, file);
  const pickles = files.filter((name) => /\.(bin|ckpt|pt|pth)$/.test(name));
  const found = pickles.length > 0 ? `only ${listed(pickles)}` : "no weights";
  throw new FormatError(
    `${folder} has ${found}; limn reads .safetensors here (${candidates[variant].join(", ")})`,
    pickles.length > 0 ? { hint: "get the .safetensors variant of the same model" } : {},
  );
}
