/** @file Which engine draws: the one that was named, or the fastest that works here. */
import { EngineError, LimnError } from "../../base/index.ts";
import {
  cpuFeatures,
  locateOpenVino,
  openVinoEngine,
  ortEngine,
  wasmEngine,
  type Engine,
} from "../../runtime/index.ts";
import type { EngineChoice } from "../protocol.ts";

/** An engine by its name. */
export type EngineName = Exclude<EngineChoice, "auto">;

/** An engine, and what whoever asked may not expect, as sentences. */
export interface Chosen {
  readonly engine: Engine;
  readonly notes: readonly string[];
}

const openers: Readonly<Record<EngineName, () => Promise<Engine>>> = {
  openvino: openVinoEngine,
  ort: ortEngine,
  wasm: wasmEngine,
};

/** How engines are called where people read it. */
export const engineTitles: Readonly<Record<EngineName, string>> = {
  openvino: "OpenVINO",
  ort: "ONNX Runtime",
  wasm: "ONNX Runtime in WebAssembly",
};

/** The order in which `auto` tries: the fastest first. */
export const engineOrder: readonly EngineName[] = ["openvino", "ort", "wasm"];

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
  if (choice !== "auto") return { engine: await from[choice](), notes: [] };
  const failures = new Map<EngineName, EngineError>();
  for (const name of order) {
    try {
      const engine = await from[name]();
      return { engine, notes: notesOn(failures, `${doing} with ${engineTitles[name]}`) };
    } catch (error) {
      if (!(error instanceof EngineError)) throw error;
      failures.set(name, error);
    }
  }
  // The usual engine's own complaint says best what to do.
  throw failures.get("ort") ?? new EngineError(`none of ${order.join(", ")} works`);
}

/** OpenVINO is extra: only where it is there and broken is it worth a word. ONNX Runtime should be everywhere. */
function notesOn(failures: ReadonlyMap<EngineName, EngineError>, instead: string): string[] {
  const [openVino, ort] = [failures.get("openvino"), failures.get("ort")];
  const notes: string[] = [];
  if (openVino && !isNowhere()) notes.push(`${openVino.message}; ${instead} instead`);
  if (ort) notes.push(`${sentence(ort)}; ${instead}, which is several times slower`);
  return notes;
}

const sentence = ({ message, hint }: LimnError) =>
  hint === undefined ? message : `${message} (${hint})`;

/** Whether OpenVINO is nowhere, as opposed to somewhere and of no use. */
function isNowhere(): boolean {
  try {
    return locateOpenVino() === null;
  } catch {
    return false; // LIMN_OPENVINO names a place that has none
  }
}

/** Whether 16-bit products have instructions of their own: others compute them by way of f32, and slower. */
export function hasFastHalves(features = cpuFeatures(), arch: string = process.arch): boolean {
  if (features === null || arch !== "x64") return true; // the engine's own word must do
  return features.includes("avx512_bf16") || features.includes("amx");
}
