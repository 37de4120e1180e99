/** @file The face of runtime/: engines that run graphs. */
export type { Binding, CompileOptions, Engine, Program, Value } from "./engine.ts";
