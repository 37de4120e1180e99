/** @file Whether a model folder draws from words, before it is opened. */
import { readModelIndex } from "../checkpoints/index.ts";
import type { ModelKind } from "../pipelines/index.ts";

/** What a model folder draws from: words, or nothing. Throws for a model_index.json as opening the folder would. */
export async function kindOf(folder: string): Promise<ModelKind> {
  const { parts } = await readModelIndex(folder);
  return parts.get("unet") === "UNet2DModel" ? "unconditional" : "text-to-image";
}
