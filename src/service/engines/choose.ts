/** @file Which engine draws: the one that was named, or the fastest that works here. */
import { EngineError, LimnError } from "../../base/index.ts";
import { cpuFeatures, type Engine } from "../../runtime/index.ts";
import type { EngineChoice } from "../protocol.ts";
import { engineOrder, engineTable, isNowhere, openers, usualEngine } from "./table.ts";
import type { EngineName } from "./table.ts";

/** An engine, and what whoever asked may not expect, as sentences. */
export interface Chosen {
  readonly name: EngineName;
  readonly engine: Engine;
  readonly notes: readonly string[];
}

/** What an engine is opened for, and what `auto` may take for it. */
interface Purpose {
  readonly doing?: "drawing" | "training";
  readonly order?: readonly EngineName[];
}

/**
 * Opens an engine. One that is named must work, or the promise rejects with EngineError; `auto` passes over what is missing, and
 * says in a note what is broken, or far slower than usual.
 */
export async function openEngine(
  choice: EngineChoice = "auto",
  { doing = "drawing", order = engineOrder }: Purpose = {},
  from = openers,
): Promise<Chosen> {
  if (choice !== "auto") return { name: choice, engine: await from[choice](), notes: [] };
  const failures = new Map<EngineName, EngineError>();
  for (const name of order) {
    try {
      const engine = await from[name]();
      const notes = await notesOn(failures, `${doing} with ${engineTable[name].title}`);
      return { name, engine, notes };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      failures.set(name, error);
    }
  }
  // The usual engine's own complaint says best what to do.
  throw failures.get(usualEngine) ?? new EngineError(`none of ${order.join(", ")} works`);
}

/** The usual engine should be everywhere. Of another it is worth a word only that it is there and broken, for a reason of its own. */
async function notesOn(
  failures: ReadonlyMap<EngineName, EngineError>,
  instead: string,
): Promise<string[]> {
  const notes: string[] = [];
  for (const [name, error] of failures)
    if (name === usualEngine)
      notes.push(`${sentence(error)}; ${instead}, which is several times slower`);
    else if (error.message !== failures.get(usualEngine)?.message && !(await isNowhere(name)))
      notes.push(`${error.message}; ${instead} instead`);
  return notes;
}

const sentence = ({ message, hint }: LimnError) =>
  hint === undefined ? message : `${message} (${hint})`;

/** Whether 16-bit products have instructions of their own: others compute them by way of f32, and slower. */
export function hasFastHalves(features = cpuFeatures(), arch: string = process.arch): boolean {
  if (features === null || arch !== "x64") return true; // the engine's own word must do
  return features.includes("avx512_bf16") || features.includes("amx");
}
