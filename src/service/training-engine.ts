/** @file What a training computes with: the engine and the precision of its gradients, and the engine of its updates. */
import { EngineError, RequestError } from "../base/index.ts";
import {
  findOpenVino,
  openVinoEngine,
  ortEngine,
  type Engine,
  type Precision,
} from "../runtime/index.ts";

/** `auto` is OpenVINO where it is found and works, else ONNX Runtime. WebAssembly is too slow to train in. */
export type TrainingEngine = "auto" | "ort" | "openvino";
/** `auto` is bf16 where the engine has it, else f32. */
export type TrainingPrecision = "auto" | Precision;

/** What a run computes with, and what whoever asked may want to know. */
export interface TrainingEngines {
  readonly engine: Engine;
  readonly updating: Engine;
  readonly precision: Precision;
  readonly notes: readonly string[];
}

/** A value, or the complaint of an engine that cannot be had. */
async function attempt<T>(work: () => Promise<T>): Promise<T | EngineError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof EngineError) return error;
    throw error;
  }
}

async function open(choice: TrainingEngine): Promise<[engine: Engine, notes: string[]]> {
  if (choice === "ort") return [await ortEngine(), []];
  if (choice === "openvino") return [await openVinoEngine(), []];
  const found = await attempt(() => Promise.resolve().then(findOpenVino));
  if (found === null) return [await ortEngine(), []];
  const engine = found instanceof EngineError ? found : await attempt(openVinoEngine);
  if (!(engine instanceof EngineError)) return [engine, []];
  return [await ortEngine(), [`${engine.message}; training with ONNX Runtime instead`]];
}

/** Opens the engines of a training. Throws RequestError where the one for gradients lacks the precision. */
export async function openTrainingEngines(
  choice: TrainingEngine,
  wanted: TrainingPrecision,
): Promise<TrainingEngines> {
  const [engine, problems] = await open(choice);
  const { name, version, precisions } = engine;
  if (wanted !== "auto" && !precisions.includes(wanted))
    throw new RequestError(
      "precision",
      `the engine ${name} computes in ${precisions.join(" or ")} on this machine, not in ${wanted}`,
    );
  const best = precisions.includes("bf16") ? "bf16" : "f32";
  const precision = wanted === "auto" ? best : wanted;
  // Reading and writing all the state: 54 ms of the emblem's step in ONNX Runtime, 69 in OpenVINO.
  const ort = name === "ort" ? engine : await attempt(ortEngine);
  const updating = ort instanceof EngineError ? engine : ort;
  const notes = [...problems, `computing with ${name} ${version} in ${precision}`];
  return { engine, updating, precision, notes };
}
