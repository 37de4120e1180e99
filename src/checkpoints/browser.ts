/** @file The face of checkpoints/ where there is no Node.js: folders are behind URLs. */
export { describeNetwork, type NetworkDescription } from "./describe.ts";
export type { Component, DiffusersFolder, TextEncoder } from "./folder.ts";
export { openRemoteFolder } from "./folder-remote.ts";
export {
  parseModelIndex,
  type ModelIndex,
  type PartName,
  type PipelineName,
} from "./model-index.ts";
export { legacyAttention } from "./names/legacy-attention.ts";
export { nameTable, type NamePattern, type NameTable } from "./names/pattern.ts";
export { keyOf, matchWeights, type Weights } from "./weights.ts";
export type { Variant } from "./weight-names.ts";
