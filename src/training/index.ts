/** @file The face of training/: data sets. */
export {
  buildEmojiDataset,
  describeSummary,
  type BuildOptions,
  type BuildProgress,
} from "./emoji/build.node.ts";
export {
  captionShares,
  drawCaption,
  promptFor,
  styleWords,
  type CaptionShares,
  type CaptionSubject,
  type ConceptWords,
} from "./emoji/captions.ts";
export { chance, pick, pickSome, type Chance } from "./emoji/chance.ts";
export { colourNames, type ColourName } from "./emoji/colours.ts";
export { firstConcepts, type Concept } from "./emoji/concepts.ts";
export { contactSheet, type SheetLayout, type SheetRow } from "./emoji/contact-sheet.node.ts";
export { loadDataset } from "./emoji/load.node.ts";
export type {
  ConceptRecord,
  Dataset,
  DatasetSummary,
  PictureRecord,
  RecolourPlan,
} from "./emoji/records.ts";
export { setNames, type SetName } from "./emoji/sets.ts";
