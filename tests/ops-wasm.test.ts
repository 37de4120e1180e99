/** @file Every operation and its gradient in WebAssembly, on two threads. */
import { wasmEngine } from "../src/runtime/index.ts";
import { testOps } from "./ops.cases.ts";

testOps("wasm", () => wasmEngine({ threads: 2 }));
