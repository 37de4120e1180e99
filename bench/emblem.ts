/** @file The emblem model for benchmarks: its networks by the recipe, and a folder of it with random numbers. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { place, type Module } from "../src/nn/index.ts";
import { loadRecipe, type Stage } from "../src/training/index.ts";
import { randomModel } from "./random-model.ts";

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));

/** A stage of the emblem's recipe. */
export async function emblemStage(name: string): Promise<Stage> {
  const { stages } = await loadRecipe(at("recipes/emblem.ts"));
  const stage = stages.find((candidate) => candidate.name === name);
  if (!stage) throw new Error(`the recipe has no stage ${name}`);
  return stage;
}

/** Its networks, placed under their names. */
export async function emblemNetworks(): Promise<Record<"vae" | "text_encoder" | "unet", Module>> {
  const { vae } = (await emblemStage("autoencoder")).trace().networks;
  const { text_encoder, unet } = (await emblemStage("diffusion")).trace().networks;
  const networks = { vae, text_encoder, unet };
  for (const [name, network] of Object.entries(networks)) place(network, name);
  return networks;
}

/** A folder as large and as slow as the emblem's, for as long as that one is not trained. */
export async function randomEmblem(): Promise<string> {
  const small = (name: string) => readFile(at(`tests/goldens/tokenizer/small/${name}`), "utf8");
  const [networks, vocab, merges] = await Promise.all([
    emblemNetworks(),
    small("vocab.json"),
    small("merges.txt"),
  ]);
  const marks = { bos_token: "<|startoftext|>", eos_token: "<|endoftext|>" };
  const others = { unk_token: marks.eos_token, pad_token: marks.eos_token, model_max_length: 24 };
  const tokenizer = { tokenizer_class: "CLIPTokenizer", ...marks, ...others };
  return randomModel("emblem", () => ({
    pipeline: "StableDiffusionPipeline",
    networks,
    dtype: "f16",
    scheduler: {
      _class_name: "DDIMScheduler",
      beta_start: 0.0001,
      beta_end: 0.02,
      beta_schedule: "squaredcos_cap_v2",
      prediction_type: "sample",
      timestep_spacing: "trailing",
      clip_sample: false,
    },
    files: {
      "tokenizer/merges.txt": merges,
      "tokenizer/tokenizer_config.json": JSON.stringify(tokenizer),
      "tokenizer/vocab.json": vocab,
      "limn.json": JSON.stringify({ steps: 20, guidance: 3, width: 128, height: 128 }),
    },
  }));
}
