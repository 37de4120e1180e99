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
export { cacheFolder } from "./folders.node.ts";
export { libraryPath as ortLibraryPath } from "./library.node.ts";
export { firstNotFinite, isFiniteArray, type NotFinite, type Rerun } from "./not-finite.ts";
export { openVinoDevices, type OpenVinoDevice } from "./openvino-devices.node.ts";
export {
  compareVersions,
  findOpenVino,
  locateOpenVino,
  oldestOpenVino,
  openVinoFolder,
  type OpenVino,
} from "./openvino-library.node.ts";
export { openVinoEngine } from "./openvino.node.ts";
export { checkPrecision } from "./options.ts";
export { ortEngine } from "./ort.node.ts";
export { checkThreads } from "./threads.node.ts";
export { value } from "./value.ts";
export type { WasmDevice } from "./wasm.ts";
export { wasmEngine, type WasmEngineOptions } from "./wasm.node.ts";
export { webEngine, type WebEngineOptions } from "./web.ts";
export type { ReadRegion } from "./weight-pack.ts";
