/** @file The face of runtime/: engines that run graphs. */
export type {
  Binding,
  CompileOptions,
  Engine,
  Precision,
  Program,
  RunOptions,
  Value,
} from "./engine.ts";
export { cpuFeatures } from "./cpu-features.node.ts";
export { elementwiseEngine } from "./elementwise/engine.node.ts";
export { startThread, type Thread } from "./thread.node.ts";
export { cacheFolder } from "./folders.node.ts";
export { libraryPath as ortLibraryPath } from "./ort/library.node.ts";
export { firstNotFinite, isFiniteArray, type NotFinite, type Rerun } from "./not-finite.ts";
export { openVinoDevices, type OpenVinoDevice } from "./openvino/devices.node.ts";
export {
  compareVersions,
  findOpenVino,
  locateOpenVino,
  oldestOpenVino,
  openVinoFolder,
  type OpenVino,
} from "./openvino/library.node.ts";
export { openVinoEngine } from "./openvino/engine.node.ts";
export { checkPrecision } from "./options.ts";
export { ortEngine } from "./ort/engine.node.ts";
export { checkThreads } from "./threads.node.ts";
export { value } from "./value.ts";
export { defaultThreads, type WasmDevice } from "./wasm/engine.ts";
export { wasmEngine, type WasmEngineOptions } from "./wasm/engine.node.ts";
export { webEngine, type WebEngineOptions } from "./wasm/web-engine.ts";
export type { ReadRegion } from "./wasm/weight-pack.ts";
