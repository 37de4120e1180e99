/** @file What a user settles for all drawings. */
import { join } from "node:path";
import type { Precision } from "../runtime/index.ts";
import type { EngineName } from "./engines/table.ts";
import { dataFolder } from "./folders.ts";
import type { EngineChoice, PrecisionChoice } from "./protocol.ts";

/** A way to draw: by what, in what, on how many threads. */
export interface DrawingSetting {
  readonly engine: EngineName;
  readonly precision: Precision;
  readonly threads: number;
}

/** The way that was the best one when it was measured. */
export interface SavedSetting extends DrawingSetting {
  /** Models that it was measured with. */
  readonly models: readonly string[];
  readonly processor: string;
}

/** The file that holds the settings, whether it is there or not. */
export function settingsFile(): string {
  return join(dataFolder(), "settings.json");
}

/** How a drawing was asked for; null is what nobody said. */
export interface Asked {
  readonly engine: EngineChoice | null;
  readonly precision: PrecisionChoice | null;
  readonly threads: number | null;
}

/** How it will be done, and what whoever asked may not expect, as sentences. */
export interface Settled {
  readonly engine: EngineChoice;
  readonly precision: PrecisionChoice;
  readonly threads: number | null;
  readonly notes: readonly string[];
}

/** Where nothing was saved, the generator decides. */
export function unsaved({ engine, precision, threads }: Asked, ...notes: string[]): Settled {
  return { engine: engine ?? "auto", precision: precision ?? "auto", threads, notes };
}

/**
 * What was asked, with the gaps filled by what was saved. A precision and a number of threads belong to the engine that
 * they were measured with: where another engine is asked for, they say nothing. Nor is bf16 taken for a model whose pictures
 * nobody compared.
 */
export function withSaved(asked: Asked, saved: SavedSetting, model: string): Settled {
  if (asked.engine !== null && asked.engine !== saved.engine) return unsaved(asked);
  const compared = saved.precision === "f32" || saved.models.includes(model);
  return unsaved({
    engine: saved.engine,
    precision: asked.precision ?? (compared ? saved.precision : null),
    threads: asked.threads ?? saved.threads,
  });
}
