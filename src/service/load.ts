/** @file Models for programs: by name or by folder, as on the command line. */
import {
  load as loadFolder,
  loadUnconditional as loadUnconditionalFolder,
  type LoadOptions,
  type PixelDiffusion,
  type StableDiffusion,
} from "../pipelines/index.ts";
import { defaultModel, findModel } from "./model-registry.ts";

/** Opens a text-to-image model: one that comes with limn, by name, or any diffusers folder. */
export async function load(
  model: string = defaultModel,
  options: LoadOptions = {},
): Promise<StableDiffusion> {
  return loadFolder((await findModel(model)).folder, options);
}

/** Opens a model that draws without words, such as DDPM's. */
export async function loadUnconditional(
  model: string,
  options: LoadOptions = {},
): Promise<PixelDiffusion> {
  return loadUnconditionalFolder((await findModel(model)).folder, options);
}
