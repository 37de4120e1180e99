/**
 * @file The check before a long training: are eight things learnt within minutes? `limn train recipes/emblem-eight.ts`
 * Afterwards `npx jiti recipes/emblem/captions-matter.ts runs/emblem-eight` tells whether the captions are listened to.
 */
import { fileURLToPath } from "node:url";
import { defineRecipe, firstConcepts } from "limn/training";
import { furtherAutoencoderStage } from "./emblem/autoencoder.ts";
import { prepareFurtherData } from "./emblem/data.ts";
import { diffusionStage } from "./emblem/diffusion.ts";
import { readModel } from "./emblem/further.ts";
import { textStage } from "./emblem/text.ts";

const model = fileURLToPath(new URL("../models/emblem", import.meta.url));
const things = new Set(["red apple", "cat", "house", "heart", "car", "banana", "fish", "tree"]);

export default defineRecipe({
  name: "emblem-eight",
  prepare: (folder) =>
    prepareFurtherData(folder, {
      concepts: firstConcepts.filter(({ en }) => things.has(en)),
      model,
    }),
  // Words and pictures are learnt from nothing; the autoencoder is the model's own, and its one step, at a rate of 0, only writes latents.
  stages: [
    furtherAutoencoderStage(1, () => readModel(model, "vae")),
    textStage(300),
    diffusionStage(1000),
  ],
});
