/** @file Reads a CLIP tokenizer folder on this machine. */
import { join } from "node:path";
import { readSmallText } from "../../formats/index.ts";
import type { ClipTokenizer } from "../../text/index.ts";
import { readTokenizerFrom } from "./tokenizer-files.ts";

/** The tokenizer of a folder; a FormatError names the file at fault. */
export function readTokenizer(folder: string): Promise<ClipTokenizer> {
  return readTokenizerFrom(folder, { join, text: readSmallText });
}
