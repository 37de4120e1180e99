/** @file Reads a CLIP tokenizer folder of unknown origin. */
import { FormatError } from "../../base/index.ts";
import { parseJson } from "../../formats/index.ts";
import { ClipTokenizer } from "../../text/index.ts";

/** How texts of a folder are reached: undefined where there is none. */
export interface TextFiles {
  join(folder: string, name: string): string;
  text(path: string): Promise<string | undefined>;
}

/** The tokenizer of a folder; a FormatError names the file at fault. */
export async function readTokenizerFrom(folder: string, files: TextFiles): Promise<ClipTokenizer> {
  const wanted = async (name: string) => {
    const path = files.join(folder, name);
    const text = await files.text(path);
    // JSON.parse takes the last of two equal keys and any depth; this does not.
    if (text !== undefined && path.endsWith(".json")) parseJson(text, { what: path });
    return text;
  };
  const needed = async (name: string) => {
    const text = await wanted(name);
    if (text === undefined) throw new FormatError(`${files.join(folder, name)} does not exist`);
    return text;
  };
  const [vocab, merges, config, specialTokensMap] = await Promise.all([
    needed("vocab.json"),
    needed("merges.txt"),
    wanted("tokenizer_config.json"),
    wanted("special_tokens_map.json"),
  ]);
  return ClipTokenizer.fromFiles({ vocab, merges, config, specialTokensMap });
}
