/** @file Reads model_index.json: which pipeline a folder is made for, and the class of each part. */
import { quote, shown, WeightError } from "../base/index.ts";
import { jsonObject, type JsonValue } from "../formats/index.ts";

/** Pipelines whose parts limn can put together. */
const pipelines = [
  "StableDiffusionPipeline",
  "StableDiffusionImg2ImgPipeline",
  "StableDiffusionInpaintPipeline",
  "StableDiffusionInstructPix2PixPipeline",
  "StableDiffusionUpscalePipeline",
  "StableDiffusionXLPipeline",
  "StableDiffusionXLImg2ImgPipeline",
  "StableDiffusionXLInpaintPipeline",
  "StableDiffusionXLInstructPix2PixPipeline",
  "DDPMPipeline",
  "DDIMPipeline",
  "PNDMPipeline",
] as const;
/** Name of a diffusers pipeline class. */
export type PipelineName = (typeof pipelines)[number];

const textEncoders = ["CLIPTextModel", "CLIPTextModelWithProjection"] as const;
const tokenizers = ["CLIPTokenizer", "CLIPTokenizerFast"] as const;

/** Parts that limn reads, and the classes each may have; a scheduler's class is checked by who builds it. */
const partClasses = {
  unet: ["UNet2DConditionModel", "UNet2DModel"],
  vae: ["AutoencoderKL"],
  text_encoder: textEncoders,
  text_encoder_2: textEncoders,
  tokenizer: tokenizers,
  tokenizer_2: tokenizers,
  scheduler: null,
  low_res_scheduler: null,
} as const;
/** Name of a part, which is that of its folder too. */
export type PartName = keyof typeof partClasses;

/** Parts of diffusers that limn does without: filters and watermarks add nothing to the picture itself. */
const ignoredParts = new Set([
  "safety_checker",
  "feature_extractor",
  "image_encoder",
  "watermarker",
]);
const libraries: readonly JsonValue[] = ["diffusers", "transformers", "stable_diffusion"];

/** What model_index.json says. */
export interface ModelIndex {
  readonly pipeline: PipelineName;
  /** Class name of each part that is there. */
  readonly parts: ReadonlyMap<PartName, string>;
  /** Whatever else it holds, such as `force_zeros_for_empty_prompt`. */
  readonly settings: ReadonlyMap<string, JsonValue>;
}

/** Checks the JSON of a model_index.json; nothing in it is ever used as code or as a path outside the folder. */
export function parseModelIndex(json: JsonValue, what = "model_index.json"): ModelIndex {
  const fail = (message: string): never => {
    throw new WeightError(`${what}: ${message}`);
  };
  const root = jsonObject(json, what);
  const pipeline = pipelines.find((name) => name === root["_class_name"]);
  if (!pipeline)
    return fail(
      `limn has no pipeline ${shown(root["_class_name"])}; it knows ${pipelines.join(", ")}`,
    );
  const parts = new Map<PartName, string>();
  const settings = new Map<string, JsonValue>();
  for (const [name, value] of Object.entries(root)) {
    if (name.startsWith("_")) continue;
    if (!/^[a-z][a-z0-9_]*$/.test(name)) fail(`${quote(name)} cannot be the name of a part`);
    const known = Object.hasOwn(partClasses, name) || ignoredParts.has(name);
    if (!Array.isArray(value)) {
      if (known) fail(`${name} must be a pair of library and class, got ${shown(value)}`);
      settings.set(name, value);
      continue;
    }
    const className = readPair(name, value as readonly JsonValue[], fail);
    if (className === null || ignoredParts.has(name)) continue;
    if (!known) fail(`limn does not know the part ${quote(name)} (${quote(className)})`);
    parts.set(name as PartName, checkClass(name as PartName, className, fail));
  }
  return { pipeline, parts, settings };
}

type Fail = (message: string) => never;

/** Class of a [library, class] pair; null for a part that was left out. */
function readPair(name: string, pair: readonly JsonValue[], fail: Fail): string | null {
  const [library, className] = pair;
  if (pair.length === 2 && library === null && className === null) return null;
  if (pair.length !== 2 || typeof className !== "string" || !libraries.includes(library))
    return fail(`${name} must be a class of diffusers or transformers, got ${shown([...pair])}`);
  return className;
}

function checkClass(name: PartName, className: string, fail: Fail): string {
  const allowed: readonly string[] | null = partClasses[name];
  if (allowed && !allowed.includes(className))
    fail(`${name} is a ${quote(className)}, but limn has only ${allowed.join(" or ")}`);
  return className;
}
