/** @file The face of runtime/ where there is no Node.js. */
export type {
  Binding,
  CompileOptions,
  Engine,
  Precision,
  Program,
  RunOptions,
  Value,
} from "./engine.ts";
export { firstNotFinite, isFiniteArray, type NotFinite, type Rerun } from "./not-finite.ts";
export { checkPrecision } from "./options.ts";
export { value } from "./value.ts";
export { defaultThreads, type WasmDevice } from "./wasm/engine.ts";
export { webEngine, type WebEngineOptions } from "./wasm/web-engine.ts";
export type { ReadRegion } from "./wasm/weight-pack.ts";
