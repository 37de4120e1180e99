/** @file Services that load much of limn, loaded when they are called: a command pays only for what it does. */
import { existsSync } from "node:fs";
import type {
  LoadOptions,
  ModelKind,
  PixelDiffusion,
  StableDiffusion,
} from "../pipelines/index.ts";
import type { BenchEvent, BenchOptions } from "./bench/bench.ts";
import type { Chosen } from "./engines/choose.ts";
import type { InstallEvent, InstallRequest } from "./engines/install.ts";
import type { Installed } from "./engines/installed.ts";
import type { EnginesReport } from "./engines/list.ts";
import type { PictureWishes } from "./like.ts";
import type { GenerateReport, GenerateToFiles } from "./generate.ts";
import type { Finding } from "./doctor.ts";
import type { Generator } from "./generator.ts";
import type { Facts } from "./inspect.ts";
import type { EngineChoice, GenerateRequest } from "./protocol.ts";
import { settingsFile, unsaved, type Asked, type SavedSetting, type Settled } from "./settings.ts";
import type { TrainEvent, TrainRequest } from "./train.ts";

/** Draws and writes; null when it was stopped. Files that were finished before stay. */
export async function generateToFiles(
  generator: Generator,
  request: GenerateRequest,
  options: GenerateToFiles,
): Promise<GenerateReport | null> {
  return (await import("./generate.ts")).generateToFiles(generator, request, options);
}

/** Looks at a picture, a model folder or a .safetensors file. */
export async function inspect(path: string): Promise<Facts> {
  return (await import("./inspect.ts")).inspect(path);
}

/** What a model folder draws from: words, or nothing. Throws for a model_index.json as opening the folder would. */
export async function kindOf(folder: string): Promise<ModelKind> {
  return (await import("./model-kind.ts")).kindOf(folder);
}

/** What this machine offers limn and what is missing; never throws. */
export async function examine(): Promise<Finding[]> {
  return (await import("./doctor.ts")).examine();
}

/** The parameters inside a picture, as wishes for another one. */
export async function wishesOf(path: string): Promise<PictureWishes> {
  return (await import("./like.ts")).wishesOf(path);
}

/** Which engines this machine has and which of them draws when none is named; never throws. */
export async function listEngines(): Promise<EnginesReport> {
  return (await import("./engines/list.ts")).listEngines();
}

/** Installs OpenVINO into limn's data folder; null for a dry run. */
export async function installOpenVino(
  request: InstallRequest,
  options: { signal: AbortSignal; tell: (event: InstallEvent) => void },
): Promise<Installed | null> {
  return (await import("./engines/install.ts")).installOpenVino(request, options);
}

/** Removes OpenVINO from limn's data folder; what was removed. */
export async function removeOpenVino(): Promise<readonly { version: string; folder: string }[]> {
  return (await import("./engines/install.ts")).removeOpenVino();
}

/** Opens an engine: the one that is named, or the fastest that works, with notes on what is broken. */
export async function openEngine(choice: EngineChoice = "auto"): Promise<Chosen> {
  return (await import("./engines/choose.ts")).openEngine(choice);
}

/** Trains until the recipe is done or the signal says stop; stopping writes a checkpoint first. */
export async function* trainRecipe(
  request: TrainRequest,
  signal: AbortSignal,
): AsyncGenerator<TrainEvent> {
  yield* (await import("./train.ts")).trainRecipe(request, signal);
}

/** Opens a text-to-image model: one that comes with limn, by name (the default one if none is given), or any folder. */
export async function load(model?: string, options: LoadOptions = {}): Promise<StableDiffusion> {
  return (await import("./load.ts")).load(model, options);
}

/** Opens a model that draws without words, such as DDPM's. */
export async function loadUnconditional(
  model: string,
  options: LoadOptions = {},
): Promise<PixelDiffusion> {
  return (await import("./load.ts")).loadUnconditional(model, options);
}

/** Measures how fast this machine draws; stops within a drawing when the signal says so, throwing its reason. */
export async function* bench(
  options: BenchOptions,
  signal: AbortSignal,
): AsyncGenerator<BenchEvent, void, void> {
  yield* (await import("./bench/bench.ts")).bench(options, signal);
}

/** How a drawing is done: as asked, and where nothing was said as `limn bench --save` found best for this machine. */
export async function settleWay(asked: Asked, model: string): Promise<Settled> {
  // Mostly nothing was saved, and no reader is needed.
  if (!existsSync(settingsFile())) return unsaved(asked);
  return (await import("./settle.ts")).settleWay(asked, model);
}

/** Keeps a setting for the drawings to come; says in which file. */
export async function saveSetting(setting: SavedSetting): Promise<string> {
  return (await import("./settings-file.ts")).saveSetting(setting);
}

/** Forgets it; says whether there was anything. */
export async function forgetSetting(): Promise<boolean> {
  return (await import("./settings-file.ts")).forgetSetting();
}
