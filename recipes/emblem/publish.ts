/** @file After the last stage: the three networks as an ordinary diffusers folder in f16, with their defaults beside them. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { saveFolder } from "limn/checkpoints";
import { place } from "limn/nn";
import type { Run, Weights } from "limn/training";
import { autoencoder, textEncoder, unet } from "./networks.ts";
import { schedulerJson } from "./scheduler.ts";

/** What a prompt gets when it asks for nothing else. */
const recommendations = {
  description: "a hundred things as emoji, in English and Russian",
  steps: 20,
  guidance: 3,
  width: 128,
  height: 128,
};

/** What a model folder is made from. */
interface Contents {
  readonly run: Run;
  readonly weights: Readonly<Record<"vae" | "diffusion", Weights>>;
  readonly dtype: "f16" | "f32";
}

/** Writes a diffusers folder that `limn --model` and other tools open. */
export async function saveModel(
  folder: string,
  { run, weights: { vae, diffusion }, dtype }: Contents,
): Promise<void> {
  const read = (name: string) => readFile(join(run.folder, "tokenizer", name));
  const tokenizer = ["vocab.json", "merges.txt", "tokenizer_config.json"];
  const files = await Promise.all(
    tokenizer.map(async (name) => [`tokenizer/${name}`, await read(name)] as const),
  );
  await saveFolder(folder, {
    pipeline: "StableDiffusionPipeline",
    networks: {
      vae: place(autoencoder(), "vae"),
      text_encoder: place(textEncoder(), "text_encoder"),
      unet: place(unet(), "unet"),
    },
    values: ({ path }) => {
      const trained = vae.get(path) ?? diffusion.get(path);
      if (!trained) throw new Error(`the run has no weights called ${path}`);
      return trained;
    },
    dtype,
    scheduler: schedulerJson,
    settings: { requires_safety_checker: false },
    files: {
      ...Object.fromEntries(files),
      "limn.json": `${JSON.stringify(recommendations, null, 2)}\n`,
    },
  });
}
