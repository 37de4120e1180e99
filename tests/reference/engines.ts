/** @file The engines that a suite runs on: every one that this machine has, and why another is left out. */
import { describe } from "vitest";
import {
  findOpenVino,
  openVinoDevices,
  openVinoEngine,
  ortEngine,
  wasmEngine,
  type Engine,
} from "../../src/runtime/index.ts";

export interface TestedEngine {
  readonly name: "ort" | "openvino" | "wasm";
  open(this: void): Promise<Engine>;
}

type Suite = (engine: TestedEngine) => void | Promise<void>;

const onnxRuntime: TestedEngine = { name: "ort", open: ortEngine };
const openVino: TestedEngine = { name: "openvino", open: openVinoEngine };
/** ONNX Runtime in WebAssembly, in Node.js. */
export const webAssembly: TestedEngine = { name: "wasm", open: () => wasmEngine() };

function openVinoMissing(): string | null {
  try {
    return findOpenVino() ? null : "OpenVINO is not installed, and LIMN_OPENVINO names none";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function bf16Missing(): string | null {
  const processor = openVinoDevices().find(({ name }) => name === "CPU");
  return processor?.capabilities.includes("BF16") ? null : "this processor computes no bf16";
}

/** Adds a suite; where something is missing its tests are skipped, and the reason is told. */
function describeUnless(missing: string | null, what: string, suite: () => void | Promise<void>) {
  if (missing === null) return void describe(what, suite);
  process.stderr.write(`skipped: ${what}: ${missing}\n`);
  describe.skip(`${what} (${missing})`, suite);
}

/** Adds a suite that needs OpenVINO, and what else may be `missing`. */
export function describeOpenVino(what: string, suite: Suite, missing: string | null = null): void {
  describeUnless(openVinoMissing() ?? missing, `${what} on OpenVINO`, () => suite(openVino));
}

/** Adds a suite that needs OpenVINO on a processor that has bf16. */
export function describeOpenVinoBf16(what: string, suite: Suite): void {
  const missing = openVinoMissing() ?? bf16Missing();
  describeUnless(missing, `${what} in bf16 on OpenVINO`, () => suite(openVino));
}

/** Adds a suite for each native engine. */
export function describeEngines(what: string, suite: Suite): void {
  describe(`${what} on ONNX Runtime`, () => suite(onnxRuntime));
  describeOpenVino(what, suite);
}

/** Adds a suite for each engine of Node.js. */
export function describeEveryEngine(what: string, suite: Suite): void {
  describeEngines(what, suite);
  describe(`${what} in WebAssembly`, () => suite(webAssembly));
}
