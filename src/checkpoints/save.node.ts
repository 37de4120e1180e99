/** @file Writes a diffusers folder that diffusers itself opens: configs, weights, and whatever else belongs to the model. */
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { assert, WeightError } from "../base/index.ts";
import {
  countNotFinite,
  f16ToF32,
  f32ToF16,
  writeFileAtomic,
  writeSafetensors,
} from "../formats/index.ts";
import { parametersOf, type Module } from "../nn/index.ts";
import type { Parameter } from "../tensor/index.ts";
import { describeNetwork } from "./describe.ts";
import type { PipelineName } from "./model-index.ts";
import { keyOf } from "./weights.ts";

/** Names of the parts that hold a network. */
export type NetworkName = "unet" | "vae" | "text_encoder" | "text_encoder_2";

/** Everything that makes up a diffusers folder. */
export interface FolderContents {
  readonly pipeline: PipelineName;
  /** Placed networks by the name of their part. */
  readonly networks: Readonly<Partial<Record<NetworkName, Module>>>;
  /** The numbers of a parameter; asked for one at a time. */
  readonly values: (parameter: Parameter) => Float32Array | Promise<Float32Array>;
  readonly dtype: "f16" | "f32";
  /** The JSON of scheduler_config.json, `_class_name` included. */
  readonly scheduler: Readonly<Record<string, unknown>>;
  /** Other entries of model_index.json. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Other files by their path within the folder, such as `tokenizer/vocab.json`. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
}

/** The diffusers version whose layout is written. */
const layoutVersion = "0.35.2";

/** Writes the folder, each file whole or not at all; model_index.json comes last, so a half-written folder is none. */
export async function saveFolder(path: string, contents: FolderContents): Promise<void> {
  // Saving over a folder: what was there is no model either until all of it is new.
  await rm(join(path, "model_index.json"), { force: true });
  const index: Record<string, unknown> = {
    _class_name: contents.pipeline,
    _diffusers_version: layoutVersion,
    ...absentParts(contents.pipeline),
    ...contents.settings,
  };
  for (const [name, module] of Object.entries(contents.networks)) {
    const { library, className } = describeNetwork(module);
    index[name] = [library, className];
    await saveNetwork(join(path, name), module, contents);
  }
  index["scheduler"] = ["diffusers", contents.scheduler["_class_name"]];
  await writeJson(join(path, "scheduler/scheduler_config.json"), contents.scheduler);
  for (const [name, bytes] of Object.entries(contents.files ?? {})) {
    assert(!name.startsWith("/") && !name.includes(".."), `${name} would leave the folder`);
    await writeFile(join(path, name), bytes);
    const tokenizer = /^(tokenizer(?:_2)?)\/vocab\.json$/.exec(name)?.[1];
    if (tokenizer) index[tokenizer] = ["transformers", "CLIPTokenizer"];
  }
  await writeJson(join(path, "model_index.json"), index);
}

/** Writes config.json and the weights of one network into `folder`. */
export async function saveNetwork(
  folder: string,
  module: Module,
  { values, dtype }: Pick<FolderContents, "values" | "dtype">,
): Promise<void> {
  const { config, library, weightFile } = describeNetwork(module);
  const version = library === "diffusers" ? { _diffusers_version: layoutVersion } : {};
  await writeJson(join(folder, "config.json"), { ...config, ...version });
  const tensors = parametersOf(module).map((parameter) => ({
    name: keyOf(module, parameter.path),
    dtype,
    shape: parameter.shape,
    data: async () => stored(parameter, await values(parameter), dtype),
  }));
  // transformers refuses files that do not say so.
  await writeSafetensors(join(folder, weightFile), tensors, new Map([["format", "pt"]]));
}

function stored(parameter: Parameter, numbers: Float32Array, dtype: "f16" | "f32") {
  const bits = dtype === "f16" ? f32ToF16(numbers) : numbers;
  const { nan, infinite } = countNotFinite(bits instanceof Uint16Array ? f16ToF32(bits) : bits);
  if (nan + infinite > 0)
    throw new WeightError(
      `${parameter.path}: in ${dtype}, ${nan} numbers are NaN and ${infinite} infinite, so it was not saved`,
      { hint: "go back to an earlier state of the training, or save as f32" },
    );
  return bits;
}

/** Parts that diffusers' Stable Diffusion pipelines ask for and may lack. */
function absentParts(pipeline: PipelineName): Record<string, unknown> {
  if (!pipeline.startsWith("StableDiffusion") || pipeline.startsWith("StableDiffusionXL"))
    return {};
  const none = [null, null];
  return { safety_checker: none, feature_extractor: none, requires_safety_checker: false };
}

async function writeJson(path: string, json: object): Promise<void> {
  await writeFile(path, `${JSON.stringify(json, null, 2)}\n`);
}

async function writeFile(path: string, bytes: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFileAtomic(path, typeof bytes === "string" ? new TextEncoder().encode(bytes) : bytes);
}
