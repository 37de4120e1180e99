/** @file Teaches the emblem model more things: all that every emoji set draws. `limn train recipes/emblem-further.ts` */
import { fileURLToPath } from "node:url";
import { defineRecipe, openWideConcepts, setNames } from "limn/training";
import { furtherAutoencoderStage } from "./emblem/autoencoder.ts";
import { prepareFurtherData } from "./emblem/data.ts";
import { decoderStage } from "./emblem/decoder.ts";
import { diffusionStage } from "./emblem/diffusion.ts";
import { readModel } from "./emblem/further.ts";
import { textStage } from "./emblem/text.ts";

const model = fileURLToPath(new URL("../models/emblem", import.meta.url));

export default defineRecipe({
  name: "emblem-further",
  prepare: (folder) =>
    prepareFurtherData(folder, { concepts: openWideConcepts(setNames.length), model }),
  stages: [
    furtherAutoencoderStage(1500, () => readModel(model, "vae")),
    { ...textStage(2000), start: () => readModel(model, "text_encoder", "unet") },
    {
      ...diffusionStage(15_000),
      start: async (run) =>
        new Map([...(await readModel(model, "unet")), ...(await run.weights("text"))]),
    },
    {
      ...diffusionStage(10_000, 5),
      name: "longer",
      start: (run) => run.weights("diffusion"),
      rate: { base: 6e-4, warmup: 100, decay: "cosine", floor: 0.03 },
    },
    decoderStage(2500, "longer"),
  ],
});
