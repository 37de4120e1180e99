/** @file The face of checkpoints/: files to networks with located weights, and back. */
export { describeNetwork, type NetworkDescription } from "./describe.ts";
export type { Component, DiffusersFolder, TextEncoder } from "./folder.ts";
export { openFolder, readModelIndex } from "./folder.node.ts";
export { openRemoteFolder } from "./folder-remote.ts";
export {
  parseModelIndex,
  type ModelIndex,
  type PartName,
  type PipelineName,
} from "./model-index.ts";
export { legacyAttention } from "./names/legacy-attention.ts";
export { nameTable, type NamePattern, type NameTable } from "./names/pattern.ts";
export { saveFolder, saveNetwork, type FolderContents, type NetworkName } from "./save.node.ts";
export type { Variant } from "./weight-names.ts";
export { findWeights } from "./weight-files.node.ts";
export { keyOf, matchWeights, type Weights } from "./weights.ts";
