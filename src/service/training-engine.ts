/** @file What a training computes with: the engine and the precision of its gradients, and the engine of its updates. */
import { EngineError } from "../base/index.ts";
import { checkPrecision, type Engine, type Precision } from "../runtime/index.ts";
import { hasFastHalves, openEngine } from "./engines/choose.ts";
import { engineOrder, engineTable, usualEngine, type TrainingName } from "./engines/table.ts";

/** Spare engines are too slow to train in. */
const order = engineOrder.filter((name) => engineTable[name].standing !== "spare");

/** `auto` is OpenVINO where it is found and works, else ONNX Runtime. */
export type TrainingEngine = "auto" | TrainingName;
/** `auto` is bf16 where the engine has it and the processor instructions for it, else f32. */
export type TrainingPrecision = "auto" | Precision;

/** What a run computes with, and what whoever asked may want to know. */
export interface TrainingEngines {
  readonly engine: Engine;
  readonly updating: Engine;
  readonly precision: Precision;
  readonly notes: readonly string[];
}

/** Opens the engines of a training. Throws RequestError where the one for gradients lacks the precision. */
export async function openTrainingEngines(
  choice: TrainingEngine,
  wanted: TrainingPrecision,
): Promise<TrainingEngines> {
  const { engine, notes } = await openEngine(choice, { doing: "training", order });
  const { name, version, precisions } = engine;
  const best = precisions.includes("bf16") && hasFastHalves() ? "bf16" : "f32";
  const precision = wanted === "auto" ? best : wanted;
  checkPrecision(precision, engine);
  const updating = name === usualEngine ? engine : await updatingBeside(engine);
  return {
    ...{ engine, updating, precision },
    notes: [...notes, `computing with ${name} ${version} in ${precision}`],
  };
}

/** For optimisers that are more than elementwise: reading and writing all the state, ONNX Runtime is the faster one. */
async function updatingBeside(engine: Engine): Promise<Engine> {
  try {
    return await engineTable[usualEngine].open();
  } catch (error) {
    if (error instanceof EngineError) return engine;
    throw error;
  }
}
