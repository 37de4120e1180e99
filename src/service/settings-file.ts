/** @file `settings.json` of the data folder: written whole, read strictly. */
import { mkdir, readFile, rm } from "node:fs/promises";
import { FormatError } from "../base/index.ts";
import { isJsonObject, jsonObject, parseJson, writeFileAtomic } from "../formats/index.ts";
import type { JsonValue } from "../formats/index.ts";
import { engineOrder, precisionOrder } from "./engines/table.ts";
import { dataFolder } from "./folders.ts";
import { writingError } from "./places.ts";
import { settingsFile, type SavedSetting } from "./settings.ts";

const forget = "limn bench --reset forgets what was saved, limn bench --save measures anew";

/** What was saved; null where nothing was. Throws FormatError for a file that is not of limn's making. */
export async function readSavedSetting(): Promise<SavedSetting | null> {
  const path = settingsFile();
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT" || error.code === "ENOTDIR") return null;
    throw new FormatError(`cannot read ${path}: ${error.message}`, { hint: forget, cause: error });
  });
  return bytes && parseSettings(bytes, path);
}

/** Keeps a setting for the drawings to come. */
export async function saveSetting(setting: SavedSetting): Promise<string> {
  const path = settingsFile();
  const { engine, precision, threads, models, processor } = setting;
  const file = { version: 1, drawing: { engine, precision, threads, models, processor } };
  try {
    await mkdir(dataFolder(), { recursive: true });
    await writeFileAtomic(path, new TextEncoder().encode(`${JSON.stringify(file, null, 2)}\n`));
  } catch (error) {
    throw writingError(path, error);
  }
  return path;
}

/** Forgets it; says whether there was anything. */
export async function forgetSetting(): Promise<boolean> {
  const path = settingsFile();
  return rm(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT" || error.code === "ENOTDIR") return false;
      throw writingError(path, error);
    },
  );
}

/** Reads the text of a settings file. */
export function parseSettings(text: Uint8Array, what: string): SavedSetting {
  try {
    const { version, drawing } = jsonObject(parseJson(text, { what, maxBytes: 2 ** 16 }), what);
    if (version !== 1) throw new FormatError(`${what} is of version ${JSON.stringify(version)}`);
    const said = jsonObject(drawing, `${what}: drawing`);
    return {
      engine: oneOf(said["engine"], `${what}: engine`, engineOrder),
      precision: oneOf(said["precision"], `${what}: precision`, precisionOrder),
      threads: threadsOf(said["threads"], `${what}: threads`),
      models: textsOf(said["models"], `${what}: models`),
      processor: textsOf([said["processor"]], `${what}: processor`)[0],
    };
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new FormatError(error.message, { hint: forget, cause: error });
  }
}

function oneOf<T extends string>(
  said: JsonValue | undefined,
  what: string,
  names: readonly T[],
): T {
  const found = names.find((name) => name === said);
  if (found !== undefined) return found;
  throw new FormatError(`${what} must be ${names.join(" or ")}, but it is ${shownAs(said)}`);
}

function threadsOf(said: JsonValue | undefined, what: string): number {
  if (typeof said === "number" && Number.isSafeInteger(said) && said >= 1) return said;
  throw new FormatError(`${what} must be a whole number from 1, but it is ${shownAs(said)}`);
}

function textsOf(said: JsonValue | readonly (JsonValue | undefined)[] | undefined, what: string) {
  const texts = Array.isArray(said) ? (said as readonly (JsonValue | undefined)[]) : [undefined];
  return texts.map((text) => {
    if (typeof text === "string") return text;
    throw new FormatError(`${what} must be text, but it is ${shownAs(text)}`);
  });
}

const shownAs = (said: JsonValue | undefined): string =>
  said === undefined ? "missing" : isJsonObject(said) ? "an object" : JSON.stringify(said);
