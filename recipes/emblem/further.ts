/** @file A trained model's numbers by the paths that the stages use: what further training starts from. */
import { join } from "node:path";
import { openSafetensors, readAsF32 } from "limn/formats";
import type { Weights } from "limn/training";

const files = {
  vae: "vae/diffusion_pytorch_model.safetensors",
  text_encoder: "text_encoder/model.safetensors",
  unet: "unet/diffusion_pytorch_model.safetensors",
} as const;

/** Reads networks of a model folder. */
export async function readModel(
  folder: string,
  ...networks: readonly (keyof typeof files)[]
): Promise<Weights> {
  const weights = new Map<string, Float32Array>();
  for (const network of networks) {
    const { tensors } = await openSafetensors(join(folder, files[network]));
    for (const [key, stored] of tensors) weights.set(`${network}.${key}`, await readAsF32(stored));
  }
  return weights;
}
