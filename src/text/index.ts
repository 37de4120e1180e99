/** @file The face of text/: tokenizers. */
export type { ClipTokenizerFiles } from "./clip-files.ts";
export { ClipTokenizer } from "./clip.ts";
