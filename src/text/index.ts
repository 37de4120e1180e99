/** @file The face of text/: tokenizers and how to train one. */
export type { ClipTokenizerFiles } from "./clip-files.ts";
export { ClipTokenizer } from "./clip.ts";
export { trainBpe, type BpeFiles } from "./train-bpe.ts";
