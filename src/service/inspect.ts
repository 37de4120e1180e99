/** @file What a picture or a model says of itself. */
import { readFile, stat } from "node:fs/promises";
import { basename, extname } from "node:path";
import { openFolder, type DiffusersFolder } from "../checkpoints/index.ts";
import { FormatError, listed } from "../base/index.ts";
import {
  openSafetensors,
  parseInfotext,
  readPictureTexts,
  searchNotFinite,
  type StoredTensor,
} from "../formats/index.ts";
import { readRecommendations, showBytes, type KnownThing } from "../pipelines/index.ts";

const maxBytes = 2 ** 28;
/** What is read within seconds; of larger files only the header is. */
const maxSearched = 2 ** 31;

/** What there is to look at, for those who gave something else. */
const taken =
  "limn info takes a picture (PNG, JPEG, WebP, GIF, AVIF, TIFF, SVG), a .safetensors file, a model's folder or its name";

/** One network of a model. */
export interface PartFacts {
  readonly part: string;
  readonly className: string;
  readonly tensors: number;
  readonly parameters: number;
  readonly dtypes: readonly string[];
  readonly files: readonly string[];
}

/** What was found at a path. */
export type Facts =
  | {
      readonly kind: "picture";
      readonly path: string;
      readonly parameters: string | null;
      readonly prompt: string;
      readonly negative: string;
      readonly values: ReadonlyMap<string, string>;
      readonly texts: readonly string[];
      readonly remarks: readonly string[];
    }
  | {
      readonly kind: "model";
      readonly path: string;
      readonly pipeline: string;
      readonly scheduler: string;
      readonly parts: readonly PartFacts[];
      /** The maker's words and list of what it draws, where there are any. */
      readonly description: string | null;
      readonly knows: readonly KnownThing[] | null;
      readonly remarks: readonly string[];
    }
  | {
      readonly kind: "tensors";
      readonly path: string;
      readonly tensors: readonly { name: string; dtype: string; shape: readonly number[] }[];
      readonly metadata: ReadonlyMap<string, string>;
      /** How many numbers are NaN and how many infinite; null where there was too much to search. */
      readonly notFinite: { readonly nan: number; readonly infinite: number } | null;
      readonly remarks: readonly string[];
    };

/** Looks at a picture, a model folder or a .safetensors file. */
export async function inspect(path: string): Promise<Facts> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new FormatError(`${path} does not exist or cannot be reached`, { hint: taken, cause });
  });
  if (found.isDirectory()) return inspectModel(path);
  if (extname(path).toLowerCase() === ".safetensors") return inspectTensors(path);
  return inspectPicture(path, found.size);
}

/** Pictures and everything else: what is no picture is refused here. */
async function inspectPicture(path: string, size: number): Promise<Facts> {
  if (size > maxBytes)
    throw new FormatError(`${path} has ${showBytes(size)}, too many for a picture`, {
      hint: taken,
    });
  const read = readPictureTexts(await readFile(path), basename(path));
  const { texts, remarks } = await read.catch((error: unknown) => {
    throw error instanceof FormatError
      ? new FormatError(error.message, { hint: taken, cause: error })
      : error;
  });
  const parameters = texts.get("parameters") ?? null;
  const { prompt, negative, parameters: values } = parseInfotext(parameters ?? "");
  const others = [...texts.keys()].filter((key) => key !== "parameters");
  return { kind: "picture", path, parameters, prompt, negative, values, texts: others, remarks };
}

async function inspectTensors(path: string): Promise<Facts> {
  const { tensors, metadata, remarks } = await openSafetensors(path);
  const list = [...tensors].map(([name, { dtype, shape }]) => ({ name, dtype, shape }));
  const { notFinite, remark } = await notFiniteIn(tensors);
  const all = remark === null ? remarks : [...remarks, remark];
  return { kind: "tensors", path, tensors: list, metadata, notFinite, remarks: all };
}

/** Counts the numbers that no healthy weights have, and says where they are. */
async function notFiniteIn(tensors: ReadonlyMap<string, StoredTensor>): Promise<{
  readonly notFinite: { readonly nan: number; readonly infinite: number } | null;
  readonly remark: string | null;
}> {
  const bytes = [...tensors.values()].reduce((sum, { length }) => sum + length, 0);
  if (bytes > maxSearched)
    return { notFinite: null, remark: `${showBytes(bytes)} were not searched for NaN` };
  const sum = { nan: 0, infinite: 0 };
  const names: string[] = [];
  for (const [name, tensor] of tensors) {
    const { nan, infinite } = await searchNotFinite(tensor);
    sum.nan += nan;
    sum.infinite += infinite;
    if (nan + infinite > 0) names.push(name);
  }
  const found = `${sum.nan} NaN and ${sum.infinite} infinite among the numbers of ${listed(names)}`;
  return { notFinite: sum, remark: names.length === 0 ? null : found };
}

async function inspectModel(path: string): Promise<Facts> {
  const [opened, own] = await Promise.all([openFolder(path), readRecommendations(path)]);
  const { pipeline, scheduler, remarks } = opened;
  const { description, knows } = own;
  const className = (scheduler as { _class_name?: string } | null)?._class_name ?? "none";
  const made = { pipeline, scheduler: className, parts: partsOf(opened) };
  return { kind: "model", path, ...made, description, knows, remarks };
}

function partsOf({ unet, vae, textEncoder, textEncoder2 }: DiffusersFolder): PartFacts[] {
  const parts = { unet, vae, text_encoder: textEncoder, text_encoder_2: textEncoder2 };
  return Object.entries(parts).flatMap(([part, component]) => {
    if (!component) return [];
    const tensors = [...component.weights.values()];
    const count = ({ shape }: { shape: readonly number[] }) =>
      shape.reduce((n, axis) => n * axis, 1);
    return [
      {
        part,
        className: component.module.constructor.name,
        tensors: tensors.length,
        parameters: tensors.reduce((sum, tensor) => sum + count(tensor), 0),
        dtypes: [...new Set(tensors.map(({ dtype }) => dtype))],
        files: [...new Set(tensors.map(({ file }) => basename(file)))],
      },
    ];
  });
}
