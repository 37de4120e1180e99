/** @file Opens a data-set folder for training: pictures by range from the file, records and captions beside them. */
import { closeSync, fstatSync, openSync, readFileSync, readSync } from "node:fs";
import { join } from "node:path";
import { FormatError, RequestError } from "../../base/index.ts";
import { fingerprint } from "./fingerprint.node.ts";
import { drawCaption } from "./captions.ts";
import type { Dataset, DatasetIndex, DatasetSummary } from "./records.ts";

/** Opens a folder that `buildEmojiDataset` made, after checking every picture against its record. */
export async function loadDataset(folder: string): Promise<Dataset> {
  const index = readJson(folder, "items.json") as DatasetIndex;
  const summary = readJson(folder, "summary.json") as DatasetSummary;
  const { size, concepts, items } = index;
  const path = join(folder, "images.u8");
  const bytes = 3 * size * size;
  const file = openSync(path, "r");
  const read = (k: number): Uint8Array => {
    if (!Number.isInteger(k) || k < 0 || k >= items.length)
      throw new RequestError("index", `must be from 0 to ${items.length - 1}, got ${k}`);
    const picture = new Uint8Array(bytes);
    readSync(file, picture, 0, bytes, k * bytes);
    return picture;
  };
  try {
    const length = fstatSync(file).size;
    if (length !== items.length * bytes)
      throw mismatch(
        path,
        `it has ${length} bytes, ${items.length} pictures take ${items.length * bytes}`,
      );
    for (const [k, { sha256 }] of items.entries()) {
      // Wrong pairs would go unnoticed for hours: a model's loss falls all the same.
      if (fingerprint(read(k)) !== sha256)
        throw mismatch(path, `picture ${k} is not the recorded one`);
      if (k % 256 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
  } catch (error) {
    closeSync(file);
    throw error;
  }
  return {
    count: items.length,
    size,
    concepts,
    summary,
    item: (k) => items[k],
    picture: read,
    caption: (k, draw, shares) => {
      const { concept, set, colour, ownColour } = items[k];
      return drawCaption(draw, { words: concepts[concept].words, set, colour, ownColour }, shares);
    },
    [Symbol.dispose]: () => closeSync(file),
  };
}

function mismatch(path: string, what: string): FormatError {
  return new FormatError(`${path} does not belong to its items.json: ${what}`, {
    hint: "build the data set again",
  });
}

function readJson(folder: string, name: string): unknown {
  try {
    return JSON.parse(readFileSync(join(folder, name), "utf8"));
  } catch (cause) {
    throw new FormatError(`${folder} is no data set: ${name} is missing or broken`, {
      hint: "build the data set again",
      cause,
    });
  }
}
