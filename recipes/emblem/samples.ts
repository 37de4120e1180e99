/** @file How far the diffusion stage is: sixteen prompts drawn with the averaged weights, always from the same noise. */
import { join } from "node:path";
import { finish, load, textToImage } from "limn";
import type { Image } from "limn/formats";
import { gridOf, type Run, type Weights } from "limn/training";
import { readVae } from "./latents.ts";
import { saveModel } from "./publish.ts";

const prompt = [
  ..."a red apple|a cat|a house|a red heart|a car|красное яблоко|a banana|a fish".split("|"),
  ..."a tree|a blue apple|a green car|a clock|the sun, blob style|a dog|a rose|a key".split("|"),
];

/** Draws as anyone would who is given the model: from a folder, with its own defaults. */
export async function drawSamples(run: Run, diffusion: Weights): Promise<Image> {
  const folder = join(run.folder, "preview");
  const weights = { vae: await readVae(run.folder), diffusion };
  await saveModel(folder, { run, weights, dtype: "f32" });
  const threads = run.threads === undefined ? {} : { threads: run.threads };
  await using painter = await load(folder, threads);
  return gridOf((await finish(textToImage(painter, { prompt, seed: 0 }))).images, { across: 4 });
}
