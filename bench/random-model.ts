/** @file Models of random numbers in the layout of diffusers, made once into a folder and used again. */
import { access } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { saveFolder, type FolderContents } from "../src/checkpoints/index.ts";
import { parseUnetConfig, UNet2DConditionModel } from "../src/models/index.ts";
import { place } from "../src/nn/index.ts";
import { initialValues } from "../src/training/index.ts";

/** Folder for models and exports, several gigabytes: LIMN_BENCH_CACHE, else one below the system's temporary folder. */
export const benchFolder = process.env.LIMN_BENCH_CACHE ?? join(tmpdir(), "limn-bench");

/** Stable Diffusion 1.5, and a UNet of its form that takes seconds to try the benchmarks with. */
export const unetConfigs = {
  sd15: {
    _class_name: "UNet2DConditionModel",
    sample_size: 64,
    cross_attention_dim: 768,
    attention_head_dim: 8,
    block_out_channels: [320, 640, 1280, 1280],
  },
  tiny: {
    _class_name: "UNet2DConditionModel",
    sample_size: 64,
    cross_attention_dim: 64,
    attention_head_dim: 4,
    block_out_channels: [32, 64, 64, 64],
  },
} as const;

export type UnetSize = keyof typeof unetConfigs;
export const unetOf = (size: UnetSize) =>
  place(new UNet2DConditionModel(parseUnetConfig(unetConfigs[size])), "unet");

/** Scheduler of SD 1.5's folder. */
export const pndm = {
  _class_name: "PNDMScheduler",
  beta_start: 0.00085,
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  num_train_timesteps: 1000,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
};

/** Makes the folder unless it is there; its numbers are those that training would begin with. */
export async function randomModel(
  name: string,
  contents: () => Omit<FolderContents, "values">,
): Promise<string> {
  const folder = join(benchFolder, name);
  const made = await access(join(folder, "model_index.json")).then(
    () => true,
    () => false,
  );
  if (made) return folder;
  console.error(`making ${folder}`);
  await saveFolder(folder, { ...contents(), values: (parameter) => initialValues(parameter, 0) });
  return folder;
}
