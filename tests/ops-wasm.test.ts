/** @file Every operation and its gradient in WebAssembly. */
import { wasmEngine } from "../src/runtime/index.ts";
import { testOps } from "./ops.cases.ts";

testOps("wasm", wasmEngine);
