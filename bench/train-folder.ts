/** @file A folder with the weights and the batch of a training step, for PyTorch. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { saveFolder } from "../src/checkpoints/index.ts";
import { initialValues } from "../src/training/index.ts";
import { emblemStep } from "./emblem-step.ts";
import { pndm } from "./random-model.ts";

/** Writes the emblem's UNet as training begins with it, and a batch of so many latents. */
export async function writeTrainFolder(folder: string, batch: number): Promise<void> {
  const { network, given } = await emblemStep(batch);
  mkdirSync(folder, { recursive: true });
  await saveFolder(folder, {
    pipeline: "StableDiffusionPipeline",
    networks: { unet: network },
    values: (parameter) => initialValues(parameter, 0),
    dtype: "f32",
    scheduler: pndm,
  });
  for (const [name, { data }] of Object.entries(given)) {
    const { buffer, byteOffset, byteLength } = data as Float32Array;
    writeFileSync(join(folder, `${name}.f32`), new Uint8Array(buffer, byteOffset, byteLength));
  }
}
