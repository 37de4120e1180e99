/** @file The native engines that a suite runs on: every one that this machine has, and why another is left out. */
import { describe } from "vitest";
import {
  findOpenVino,
  openVinoEngine,
  ortEngine,
  wasmEngine,
  type Engine,
} from "../../src/runtime/index.ts";

export interface TestedEngine {
  readonly name: "ort" | "openvino" | "wasm";
  open(this: void): Promise<Engine>;
}

function openVinoMissing(): string | null {
  try {
    return findOpenVino() ? null : "OpenVINO is not installed, and LIMN_OPENVINO names none";
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/** Adds a suite that needs OpenVINO; where that is missing its tests are skipped, and the reason is told. */
export function describeOpenVino(
  what: string,
  suite: (engine: TestedEngine) => void | Promise<void>,
): void {
  const missing = openVinoMissing();
  const engine = { name: "openvino", open: openVinoEngine } as const;
  if (missing === null) return void describe(`${what} on OpenVINO`, () => suite(engine));
  process.stderr.write(`skipped: ${what} on OpenVINO: ${missing}\n`);
  describe.skip(`${what} on OpenVINO (${missing})`, () => suite(engine));
}

/** Adds a suite for each native engine. */
export function describeEngines(
  what: string,
  suite: (engine: TestedEngine) => void | Promise<void>,
): void {
  describe(`${what} on ONNX Runtime`, () => suite({ name: "ort", open: ortEngine }));
  describeOpenVino(what, suite);
}

/** Adds a suite for every engine that Node.js has. */
export function describeEveryEngine(
  what: string,
  suite: (engine: TestedEngine) => void | Promise<void>,
): void {
  describeEngines(what, suite);
  describe(`${what} in WebAssembly`, () => suite({ name: "wasm", open: () => wasmEngine() }));
}
