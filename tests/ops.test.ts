/** @file Every operation and its gradient on ONNX Runtime. */
import { ortEngine } from "../src/runtime/index.ts";
import { testOps } from "./ops.cases.ts";

testOps("ort", ortEngine);
