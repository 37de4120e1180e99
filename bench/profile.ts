/**
 * @file Where an engine spends the time of a graph, by kind of op: a part of the emblem's training step.
 * Run: LIMN_PEERS=python npx jiti bench/profile.ts forward|gradients, or with the word openvino behind it and no peer
 */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { checkedInput, outputMemory } from "../src/runtime/lowering/border.ts";
import { lowerGraph, type LoweredModel } from "../src/runtime/lowering/model.ts";
import { ortKernels } from "../src/runtime/lowering/ort-kernels.ts";
import { openVinoApi, type LayerTime } from "../src/runtime/openvino/api.node.ts";
import { openVinoKernels } from "../src/runtime/openvino/kernels.ts";
import { locateOpenVino } from "../src/runtime/openvino/library.node.ts";
import { peers } from "./contest.ts";
import { emblemStep, type EmblemStep } from "./emblem-step.ts";
import { benchFolder } from "./random-model.ts";

const [part = "gradients", engine = "ort"] = process.argv.slice(2);
if (part !== "forward" && part !== "gradients")
  throw new Error(`${part} is none of forward, gradients`);
const step = await emblemStep(16);
const model = lowerGraph(step.graphs[part], {
  bind: () => ({ kind: "input" }),
  kernels: engine === "openvino" ? openVinoKernels : ortKernels,
  locate: (file) => file,
});
if (engine === "openvino") printLayers(await layersOf(model, step));
else profileOrt(model, part);

function profileOrt({ bytes }: LoweredModel, name: string): void {
  if (!peers) throw new Error("the profile needs LIMN_PEERS, a Python with onnxruntime");
  mkdirSync(benchFolder, { recursive: true });
  const file = join(benchFolder, `${name}.onnx`);
  writeFileSync(file, bytes);
  const script = fileURLToPath(new URL("peers/op_times.py", import.meta.url));
  execFileSync(peers, [script, file, "1"], { stdio: "inherit" });
}

/** OpenVINO's own counters of the fastest of a few runs, on one thread as with ONNX Runtime. */
async function layersOf(
  { bytes, inputs, outputs }: LoweredModel,
  { inputs: given }: EmblemStep,
): Promise<readonly LayerTime[]> {
  const place = locateOpenVino();
  if (place === null) throw new Error("OpenVINO is not installed: limn engines install openvino");
  const api = openVinoApi(place);
  const usual = { PERFORMANCE_HINT: "LATENCY", INFERENCE_PRECISION_HINT: "f32" };
  const properties = { ...usual, INFERENCE_NUM_THREADS: "1", PERF_COUNT: "YES" };
  const read = await api.readModel(bytes);
  const compiled = await api
    .compile(read, properties)
    .catch(() => api.compile(read, { ...properties, SNIPPETS_MODE: "DISABLE" })); // as the engine does
  api.releaseModel(read);
  const taken = inputs.map((spec) => checkedInput(spec, given));
  const made = outputs.map((spec) => outputMemory(spec, undefined));
  taken.forEach((each, i) => api.place(compiled, ["input", i], each));
  made.forEach((each, i) => api.place(compiled, ["output", i], each));
  let best: readonly LayerTime[] = [];
  for (let run = 0; run < 4; run++) {
    await api.infer(compiled, [taken, made]);
    const times = api.layerTimes(compiled);
    if (run === 1 || (run > 1 && total(times) < total(best))) best = times; // the first run is warm-up
  }
  api.release(compiled);
  return best;
}

function total(times: readonly LayerTime[]): number {
  return times.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
}

function printLayers(times: readonly LayerTime[]): void {
  const ran = times.filter(({ milliseconds }) => milliseconds > 0);
  console.log(`${total(ran).toFixed(1)} ms in ${ran.length} layers, 1 thread`);
  const kinds = new Map<string, LayerTime[]>();
  for (const layer of ran) {
    const name = `${layer.kind} (${layer.kernel})`;
    kinds.set(name, [...(kinds.get(name) ?? []), layer]);
  }
  const rows = [...kinds].map(([name, all]) => [name, total(all), all.length] as const);
  for (const [name, time, count] of rows.sort((a, b) => b[1] - a[1]).slice(0, 24)) {
    const share = ((100 * time) / total(ran)).toFixed(1);
    console.log(`${time.toFixed(1).padStart(8)} ms ${share.padStart(5)} %  ${count} × ${name}`);
  }
}
