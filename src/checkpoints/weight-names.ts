/** @file What the weights of one part of a diffusers folder may be called. */

/** Which precision to take where a folder has several: the full one first, or one of the two only. */
export type Variant = "any" | "full" | "fp16";

const stems = ["diffusion_pytorch_model", "model"] as const;
const full = stems.flatMap((s) => [`${s}.safetensors`, `${s}.safetensors.index.json`]);
const fp16 = stems.flatMap((s) => [
  `${s}.fp16.safetensors`,
  `${s}.safetensors.index.fp16.json`,
  `${s}.fp16.safetensors.index.json`,
]);
/** Names of one `.safetensors` file, or of the index of its shards, the preferred ones first. */
export const weightNames = { any: [...full, ...fp16], full, fp16 } as const;
