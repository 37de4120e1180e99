/** @file What a network is called in files: its library, class, config and file of weights. */
import { assert } from "../base/index.ts";
import {
  AutoencoderKL,
  CLIPTextModel,
  CLIPTextModelWithProjection,
  printClipTextConfig,
  printUnconditionalUnetConfig,
  printUnetConfig,
  printVaeConfig,
  UNet2DConditionModel,
  UNet2DModel,
} from "../models/index.ts";
import type { Module } from "../nn/index.ts";

/** A network as model_index.json and its own folder name it. */
export interface NetworkDescription {
  readonly library: "diffusers" | "transformers";
  readonly className: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly weightFile: "diffusion_pytorch_model.safetensors" | "model.safetensors";
}

/** Names the network that a module is. */
export function describeNetwork(module: Module): NetworkDescription {
  if (module instanceof UNet2DConditionModel) return ofDiffusers(printUnetConfig(module.config));
  if (module instanceof UNet2DModel)
    return ofDiffusers(printUnconditionalUnetConfig(module.config));
  if (module instanceof AutoencoderKL) return ofDiffusers(printVaeConfig(module.config));
  const encoder = module instanceof CLIPTextModelWithProjection || module instanceof CLIPTextModel;
  assert(encoder, `no files are known for ${module.constructor.name}`);
  const className =
    module instanceof CLIPTextModel ? "CLIPTextModel" : "CLIPTextModelWithProjection";
  const config = printClipTextConfig(module.config, className);
  return { library: "transformers", className, config, weightFile: "model.safetensors" };
}

function ofDiffusers(config: Readonly<Record<string, unknown>>): NetworkDescription {
  const className = config["_class_name"] as string; // every printer of a diffusers config begins with it
  const weightFile = "diffusion_pytorch_model.safetensors";
  return { library: "diffusers", className, config, weightFile };
}
