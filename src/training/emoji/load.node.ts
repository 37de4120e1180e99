/** @file Opens a data-set folder for training: pictures by range from the file, records and captions beside them. */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { FormatError, RequestError } from "../../base/index.ts";
import { parseJson, readSmallFile } from "../../formats/index.ts";
import { fingerprint } from "./fingerprint.node.ts";
import { drawCaption } from "./captions.ts";
import { parseDatasetIndex } from "./parse-index.ts";
import type { Dataset, DatasetIndex } from "./records.ts";

/** Opens a folder that `buildEmojiDataset` made, after checking every picture against its record. */
export async function loadDataset(folder: string): Promise<Dataset> {
  const { size, concepts, items } = await readIndex(folder);
  const path = join(folder, "images.u8");
  const bytes = 3 * size * size;
  const file = openSync(path, "r");
  const read = (k: number): Uint8Array => {
    if (!Number.isInteger(k) || k < 0 || k >= items.length)
      throw new RequestError("index", `must be from 0 to ${items.length - 1}, got ${k}`);
    const picture = new Uint8Array(bytes);
    for (let at = 0; at < bytes;) {
      const read = readSync(file, picture, at, bytes - at, k * bytes + at);
      if (read === 0) throw mismatch(path, `it ends within picture ${k}`);
      at += read;
    }
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

/** Bytes of an `items.json`: 250 a picture, so this is room for a million. */
const maxIndexBytes = 2 ** 28;

async function readIndex(folder: string): Promise<DatasetIndex> {
  const file = join(folder, "items.json");
  try {
    const bytes = await readSmallFile(file, { maxBytes: maxIndexBytes });
    if (!bytes) throw new FormatError(`${file} does not exist`);
    return parseDatasetIndex(parseJson(bytes, { what: file, maxBytes: maxIndexBytes }), file);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new FormatError(`${folder} is no data set: ${error.message}`, {
      hint: "build the data set again",
      cause: error,
    });
  }
}
