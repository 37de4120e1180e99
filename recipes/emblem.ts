/** @file The emblem model: autoencoder, then words, then diffusion. `limn train recipes/emblem.ts` */
import { defineRecipe } from "limn/training";
import { autoencoderStage } from "./emblem/autoencoder.ts";
import { prepareData } from "./emblem/data.ts";
import { diffusionStage } from "./emblem/diffusion.ts";
import { textStage } from "./emblem/text.ts";

export default defineRecipe({
  name: "emblem",
  prepare: prepareData,
  stages: [autoencoderStage, textStage, diffusionStage],
});
