/** @file A diffusers folder, wherever it lies: its parts are built, their weights located, and nothing large is read. */
import { FormatError, WeightError } from "../base/index.ts";
import type { JsonValue, SafetensorsIndex } from "../formats/index.ts";
import {
  AutoencoderKL,
  CLIPTextModel,
  CLIPTextModelWithProjection,
  parseClipTextConfig,
  parseUnconditionalUnetConfig,
  parseUnetConfig,
  parseVaeConfig,
  UNet2DConditionModel,
  UNet2DModel,
  type Report,
} from "../models/index.ts";
import { place, type Module } from "../nn/index.ts";
import { parseModelIndex, type PartName, type PipelineName } from "./model-index.ts";
import { legacyAttention } from "./names/legacy-attention.ts";
import type { NameTable } from "./names/pattern.ts";
import { matchWeights, type Weights } from "./weights.ts";

/** A network and where its weights lie, by parameter path. */
export interface Component<M extends Module> {
  readonly module: M;
  readonly weights: Weights;
}

/** Either variant of CLIP's text encoder. */
export type TextEncoder = CLIPTextModel | CLIPTextModelWithProjection;

/** A diffusers folder; parts that it lacks are null. Module paths begin with the part's name. */
export interface DiffusersFolder {
  /** A path or a URL. */
  readonly path: string;
  readonly pipeline: PipelineName;
  /** What model_index.json says beside the parts, such as `force_zeros_for_empty_prompt`. */
  readonly settings: ReadonlyMap<string, JsonValue>;
  readonly unet: Component<UNet2DConditionModel> | Component<UNet2DModel>;
  readonly vae: Component<AutoencoderKL> | null;
  readonly textEncoder: Component<TextEncoder> | null;
  readonly textEncoder2: Component<TextEncoder> | null;
  /** Folders with vocab.json and merges.txt. */
  readonly tokenizer: string | null;
  readonly tokenizer2: string | null;
  /** The JSON of scheduler_config.json, unchecked. */
  readonly scheduler: JsonValue | null;
  /** What is odd but no reason to refuse, as sentences. */
  readonly remarks: readonly string[];
}

/** How the files of a model folder are reached. What is missing or broken is a FormatError that names it. */
export interface FolderFiles {
  /** The folder itself, as messages call it. */
  readonly path: string;
  /** A file in a folder, or a folder in it. */
  join(folder: string, name: string): string;
  json(file: string): Promise<JsonValue>;
  /** Whether a part has a folder of its own. */
  isFolder(part: PartName): Promise<boolean>;
  /** The weights of a part in its folder, and what they hold. */
  weights(folder: string): Promise<{ readonly file: string; readonly index: SafetensorsIndex }>;
}

/** Reads the configs and the headers of all parts. */
export async function openFolderOf(files: FolderFiles): Promise<DiffusersFolder> {
  const { path } = files;
  const file = files.join(path, "model_index.json");
  const { pipeline, parts, settings } = parseModelIndex(await files.json(file), file);
  const remarks: string[] = [];
  const report: Report = (remark) => remarks.push(remark);
  const opening: Opening = { files, parts, report };
  const unet = await openUnet(opening);
  if (!unet) throw new WeightError(`${file} names no unet`);
  return {
    path,
    pipeline,
    settings,
    unet,
    vae: await openPart(opening, "vae", buildVae, legacyAttention),
    textEncoder: await openPart(opening, "text_encoder", buildTextEncoder),
    textEncoder2: await openPart(opening, "text_encoder_2", buildTextEncoder),
    tokenizer: await partFolder(opening, "tokenizer"),
    tokenizer2: await partFolder(opening, "tokenizer_2"),
    scheduler: await schedulerConfig(opening),
    remarks,
  };
}

interface Opening {
  readonly files: FolderFiles;
  readonly parts: ReadonlyMap<PartName, string>;
  readonly report: Report;
}

type Build<M extends Module> = (json: JsonValue, className: string, report: Report) => M;

const buildVae: Build<AutoencoderKL> = (json, _, report) =>
  new AutoencoderKL(parseVaeConfig(json, report));

const buildTextEncoder: Build<TextEncoder> = (json, className, report) => {
  const config = parseClipTextConfig(json, report);
  return className === "CLIPTextModel"
    ? new CLIPTextModel(config)
    : new CLIPTextModelWithProjection(config);
};

function openUnet(opening: Opening): Promise<DiffusersFolder["unet"] | null> {
  if (opening.parts.get("unet") === "UNet2DModel")
    return openPart<UNet2DModel>(
      opening,
      "unet",
      (json, _, report) => new UNet2DModel(parseUnconditionalUnetConfig(json, report)),
      legacyAttention,
    );
  return openPart<UNet2DConditionModel>(
    opening,
    "unet",
    (json, _, report) => new UNet2DConditionModel(parseUnetConfig(json, report)),
  );
}

async function openPart<M extends Module>(
  opening: Opening,
  name: PartName,
  build: Build<M>,
  names?: NameTable,
): Promise<Component<M> | null> {
  const folder = await partFolder(opening, name);
  const className = opening.parts.get(name);
  if (folder === null || className === undefined) return null;
  const { files } = opening;
  const config = files.join(folder, "config.json");
  const json = await files.json(config);
  const reportUnknown: Report = (remark) => opening.report(`${config}: ${remark}`);
  const module = place(build(json, className, reportUnknown), name);
  const { file, index } = await files.weights(folder);
  const { tensors, remarks } = index;
  remarks.forEach((remark) => opening.report(`${file}: ${remark}`));
  const options = names ? { what: file, names } : { what: file };
  return { module, weights: matchWeights(module, tensors, options) };
}

/** The folder of a part, null for a part that the index lacks; some old models keep all in the root. */
async function partFolder({ files, parts }: Opening, name: PartName): Promise<string | null> {
  if (!parts.has(name)) return null;
  return (await files.isFolder(name)) ? files.join(files.path, name) : files.path;
}

const ofScheduler =
  "it says how a model's noise is spread, and comes with the model: download it from the same place";

async function schedulerConfig(opening: Opening): Promise<JsonValue | null> {
  const { files } = opening;
  const folder = await partFolder(opening, "scheduler");
  if (folder === null) return null;
  return files.json(files.join(folder, "scheduler_config.json")).catch((cause: unknown) => {
    throw cause instanceof FormatError && cause.hint === undefined
      ? new FormatError(cause.message, { hint: ofScheduler, cause })
      : cause;
  });
}
