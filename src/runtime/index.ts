/** @file The face of runtime/: engines that run graphs. */
export type { Binding, CompileOptions, Engine, Program, RunOptions, Value } from "./engine.ts";
export { cacheFolder, dataFolder } from "./folders.node.ts";
export { firstNotFinite, isFiniteArray, type NotFinite, type Rerun } from "./not-finite.ts";
export { ortEngine } from "./ort.node.ts";
export { checkThreads } from "./threads.node.ts";
export { value } from "./value.ts";
export { wasmEngine } from "./wasm.node.ts";
