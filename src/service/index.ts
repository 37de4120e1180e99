/** @file The face of service/: what the command line and a server share. Light to load; see on-demand.ts. */
export type { BenchEvent, BenchOptions, ModelResult } from "./bench/bench.ts";
export type { BenchPlan } from "./bench/plan.ts";
export type { BenchRow } from "./bench/rows.ts";
export type { Finding } from "./doctor.ts";
export type { Chosen } from "./engines/choose.ts";
export type { InstallEvent, InstallRequest } from "./engines/install.ts";
export type { Installed } from "./engines/installed.ts";
export type { EngineFacts, EnginesReport } from "./engines/list.ts";
export {
  computesIn,
  engineNames,
  engineOrder,
  precisionOrder,
  trainingNames,
  type EngineName,
} from "./engines/table.ts";
export { dataFolder, limnVersion } from "./folders.ts";
export type { GenerateReport, GenerateToFiles } from "./generate.ts";
export { Generator, startGenerator, type Ending, type GenerateOptions } from "./generator.ts";
export type { Facts, PartFacts } from "./inspect.ts";
export { defaultModel, findModel, listModels, type ModelPlace } from "./model-registry.ts";
export {
  bench,
  examine,
  forgetSetting,
  generateToFiles,
  inspect,
  installOpenVino,
  kindOf,
  listEngines,
  load,
  loadUnconditional,
  openEngine,
  removeOpenVino,
  saveSetting,
  settleWay,
  trainRecipe,
  wishesOf,
} from "./on-demand.ts";
export { processorName } from "./processor.ts";
export { nearest } from "./nearest.ts";
export { targetOf, type Target } from "./picture-files.ts";
export type {
  EngineChoice,
  GenerateRequest,
  GeneratorCommand,
  GeneratorEvent,
  GeneratorMessage,
  Port,
  PrecisionChoice,
  Settings,
  Timings,
} from "./protocol.ts";
export type { DrawingSetting, SavedSetting, Settled } from "./settings.ts";
export type { TrainEvent, TrainRequest } from "./train.ts";
