/** @file Models by name or by place: those of the package, those of the user, and any folder. */
import { readdir, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { RequestError } from "../base/index.ts";
import { dataFolder, packageFolder } from "./folders.ts";
import { nearest } from "./nearest.ts";

/** The model that is drawn with when none is named. */
export const defaultModel = "emblem";

/** A model on this machine. */
export interface ModelPlace {
  readonly name: string;
  readonly folder: string;
  /** Whether it came with limn or is the user's own. */
  readonly source: "package" | "user" | "path";
}

/** Models with names, the package's first. */
export async function listModels(): Promise<ModelPlace[]> {
  const lists = [
    namedModels(join(packageFolder(), "models"), "package"),
    namedModels(join(dataFolder(), "models"), "user"),
  ];
  return (await Promise.all(lists)).flat();
}

/** Finds a model by its name or by the path of its folder. */
export async function findModel(id: string): Promise<ModelPlace> {
  const models = await listModels();
  const named = models.find(({ name }) => name === id);
  if (named) return named;
  const folder = resolve(id);
  const found = await stat(folder).catch(() => null);
  if (found?.isDirectory()) return placeOf(folder, id);
  if (found)
    throw new RequestError("model", `${id} is a file, but limn opens model folders so far`, {
      hint: "give the folder that holds model_index.json",
    });
  const names = models.map(({ name }) => name);
  const meant = nearest(id, names);
  const known = names.length > 0 ? `known are ${names.join(", ")}` : "no model is installed";
  throw new RequestError(
    "model",
    `there is neither a model nor a folder called "${id}"; ${known}`,
    {
      hint: meant ? `did you mean ${meant}?` : "give the folder that holds model_index.json",
    },
  );
}

async function placeOf(folder: string, id: string): Promise<ModelPlace> {
  if (!(await isModel(folder)))
    throw new RequestError("model", `the folder ${id} has no model_index.json`, {
      hint: "give a model folder in the layout of diffusers",
    });
  return { name: basename(folder), folder, source: "path" };
}

async function namedModels(folder: string, source: ModelPlace["source"]): Promise<ModelPlace[]> {
  const names = await readdir(folder).catch(() => []);
  const places = names.sort().map((name) => ({ name, folder: join(folder, name), source }));
  const real = await Promise.all(places.map((place) => isModel(place.folder)));
  return places.filter((_, i) => real[i]);
}

async function isModel(folder: string): Promise<boolean> {
  const index = await stat(join(folder, "model_index.json")).catch(() => null);
  return index?.isFile() ?? false;
}
