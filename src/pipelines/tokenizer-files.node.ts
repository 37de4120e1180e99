/** @file Reads a CLIP tokenizer folder of unknown origin. */
import { open, stat } from "node:fs/promises";
import { join } from "node:path";
import { FormatError } from "../base/index.ts";
import { decodeUtf8, parseJson } from "../formats/index.ts";
import { ClipTokenizer } from "../text/index.ts";

/** CLIP's vocabulary takes 1 MB. */
const maxBytes = 2 ** 25;

/** The tokenizer of a folder; a FormatError names the file at fault. */
export async function readTokenizer(folder: string): Promise<ClipTokenizer> {
  const [vocab, merges, config, specialTokensMap] = await Promise.all([
    needed(join(folder, "vocab.json")),
    needed(join(folder, "merges.txt")),
    wanted(join(folder, "tokenizer_config.json")),
    wanted(join(folder, "special_tokens_map.json")),
  ]);
  return ClipTokenizer.fromFiles({ vocab, merges, config, specialTokensMap });
}

async function needed(path: string): Promise<string> {
  const text = await wanted(path);
  if (text === undefined) throw new FormatError(`${path} does not exist`);
  return text;
}

/** The text of a file, undefined where there is none. */
async function wanted(path: string): Promise<string | undefined> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw new FormatError(`${path} cannot be read`, { cause });
  });
  if (!found) return undefined;
  if (!found.isFile()) throw new FormatError(`${path} is not a file`);
  if (found.size > maxBytes)
    throw new FormatError(`${path} has ${found.size} bytes, over the ${maxBytes} of any tokenizer`);
  const handle = await open(path).catch((cause: unknown) => {
    throw new FormatError(`${path} cannot be read`, { cause });
  });
  const bytes = await handle.readFile().finally(() => handle.close());
  const text = decodeUtf8(bytes, path);
  // JSON.parse takes the last of two equal keys and any depth; this does not.
  if (path.endsWith(".json")) parseJson(text, { what: path, maxBytes });
  return text;
}
