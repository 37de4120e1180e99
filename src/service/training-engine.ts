/** @file What a training computes with: the engine and the precision of its gradients. */
import { EngineError, RequestError } from "../base/index.ts";
import { openVinoEngine, ortEngine, type Engine, type Precision } from "../runtime/index.ts";

/** `auto` is OpenVINO where it is found and works, else ONNX Runtime. WebAssembly is too slow to train in. */
export type TrainingEngine = "auto" | "ort" | "openvino";
/** `auto` is bf16 where the engine has it, else f32. */
export type TrainingPrecision = "auto" | Precision;

const openers = { ort: ortEngine, openvino: openVinoEngine } as const;

async function open(choice: TrainingEngine): Promise<Engine> {
  if (choice !== "auto") return openers[choice]();
  try {
    return await openVinoEngine();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return ortEngine();
  }
}

/** Opens an engine. Throws RequestError where it lacks the precision. */
export async function openTrainingEngine(
  choice: TrainingEngine,
  wanted: TrainingPrecision,
): Promise<{ engine: Engine; precision: Precision }> {
  const engine = await open(choice);
  const { name, precisions } = engine;
  if (wanted === "auto") return { engine, precision: precisions.includes("bf16") ? "bf16" : "f32" };
  if (!precisions.includes(wanted))
    throw new RequestError(
      "precision",
      `the engine ${name} computes in ${precisions.join(" or ")} on this machine, not in ${wanted}`,
    );
  return { engine, precision: wanted };
}
