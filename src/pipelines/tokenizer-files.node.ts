/** @file Reads a CLIP tokenizer folder of unknown origin. */
import { join } from "node:path";
import { FormatError } from "../base/index.ts";
import { parseJson } from "../formats/index.ts";
import { ClipTokenizer } from "../text/index.ts";
import { readSmallText } from "./small-text.node.ts";

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

async function wanted(path: string): Promise<string | undefined> {
  const text = await readSmallText(path);
  // JSON.parse takes the last of two equal keys and any depth; this does not.
  if (text !== undefined && path.endsWith(".json")) parseJson(text, { what: path });
  return text;
}
