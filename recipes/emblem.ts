/** @file The emblem model: autoencoder, words, diffusion, and a sharper decoder. `limn train recipes/emblem.ts` */
import { defineRecipe, firstConcepts } from "limn/training";
import { autoencoderStage } from "./emblem/autoencoder.ts";
import { prepareData } from "./emblem/data.ts";
import { decoderStage } from "./emblem/decoder.ts";
import { diffusionStage } from "./emblem/diffusion.ts";
import { textStage } from "./emblem/text.ts";

export default defineRecipe({
  name: "emblem",
  prepare: (folder) => prepareData(folder, firstConcepts),
  stages: [autoencoderStage(2500), textStage(1800), diffusionStage(8000), decoderStage(2500)],
});
