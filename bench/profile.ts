/**
 * @file Where ONNX Runtime spends the time of a graph, by kind of op: a part of the emblem's training step.
 * Run: LIMN_PEERS=python npx jiti bench/profile.ts forward|gradients
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { lowerGraph } from "../src/runtime/lowering/model.ts";
import { ortKernels } from "../src/runtime/lowering/ort-kernels.ts";
import { peers } from "./contest.ts";
import { emblemStep } from "./emblem-step.ts";
import { benchFolder } from "./random-model.ts";

const part = process.argv[2] ?? "gradients";
if (part !== "forward" && part !== "gradients")
  throw new Error(`${part} is none of forward, gradients`);
if (!peers) throw new Error("the profile needs LIMN_PEERS, a Python with onnxruntime");
const { graphs } = await emblemStep(16);
const { bytes } = lowerGraph(graphs[part], {
  bind: () => ({ kind: "input" }),
  kernels: ortKernels,
  locate: (file) => file,
});
mkdirSync(benchFolder, { recursive: true });
const file = join(benchFolder, `${part}.onnx`);
writeFileSync(file, bytes);
const script = fileURLToPath(new URL("peers/op_times.py", import.meta.url));
execFileSync(peers, [script, file, "1"], { stdio: "inherit" });
