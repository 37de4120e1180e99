/**
 * @file Memory and start-up of the SD 1.5 UNet from an f16 file, lean and fast: one process per row.
 * Run: npx jiti bench/memory.ts [--size tiny] [--calls 3]. A first process makes the f32 twin anew; its time is shown too.
 */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openFolder } from "../src/checkpoints/index.ts";
import { UNet2DConditionModel } from "../src/models/index.ts";
import { ortEngine, value, type Program } from "../src/runtime/index.ts";
import { processMemory } from "../src/service/process-memory.ts";
import { graphOf, input, type Graph } from "../src/tensor/index.ts";
import { benchFolder, pndm, randomModel, unetConfigs, unetOf } from "./random-model.ts";
import { writeReport } from "./report.ts";

/** What one process does. */
interface Task {
  readonly folder: string;
  readonly mode: "lean" | "fast";
  readonly rows: number;
  readonly side: number;
  readonly context: number;
  readonly calls: number;
}

/** What it found: seconds, and megabytes of private memory and of mapped files. */
interface Finding {
  readonly start: number;
  readonly call: number;
  readonly started: number;
  readonly after: number;
  readonly peak: number;
  readonly mapped: number;
}

/** Megabytes of this process: its own, and pages of files. */
function memory(): { own: number; mapped: number } {
  const { own, files } = processMemory("self") ?? { own: NaN, files: NaN };
  return { own: own / 2 ** 20, mapped: files / 2 ** 20 };
}

/** From the folder to a program that can be called. */
async function start({ folder, mode, rows, side, context }: Task): Promise<Program> {
  const { unet } = await openFolder(folder);
  const { module, weights } = unet;
  if (!(module instanceof UNet2DConditionModel)) throw new Error(`${folder} has another UNet`);
  const inputs = [
    input("sample", [rows, 4, side, side]),
    input("timestep", [rows]),
    input("context", [rows, 77, context]),
  ] as const;
  const graph: Graph = graphOf({ out: module.call(...inputs) });
  const engine = await ortEngine();
  return engine.compile(graph, {
    mode,
    bind: ({ path }) => {
      const stored = weights.get(path);
      if (!stored) throw new Error(`no weights of ${path}`);
      return { kind: "file", ...stored };
    },
  });
}

async function measure(task: Task): Promise<Finding> {
  const { rows, side, context, calls } = task;
  const before = memory().own;
  let peak = 0;
  const watch = setInterval(() => (peak = Math.max(peak, memory().own)), 200);
  const from = performance.now();
  const program = await start(task);
  const started = { time: performance.now() - from, own: memory().own };
  const filled = (shape: number[]) =>
    value(new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5), shape);
  const inputs = {
    sample: filled([rows, 4, side, side]),
    timestep: filled([rows]),
    context: filled([rows, 77, context]),
  };
  const times: number[] = [];
  for (let i = 0; i < calls; i++) {
    const at = performance.now();
    await program.run(inputs);
    times.push(performance.now() - at);
  }
  clearInterval(watch);
  const { own, mapped } = memory();
  await program[Symbol.asyncDispose]();
  return {
    start: started.time / 1000,
    call: Math.min(...times) / 1000,
    started: started.own - before,
    after: own - before,
    peak: Math.max(peak, own) - before,
    mapped,
  };
}

/** Twins of this benchmark alone: it throws them away to see one made. */
const cache = join(benchFolder, "memory-cache");

function inProcess(task: Task): Finding {
  const jiti = fileURLToPath(new URL("lib/jiti-cli.mjs", import.meta.resolve("jiti/package.json")));
  const words = [jiti, fileURLToPath(import.meta.url), "--task", JSON.stringify(task)];
  const environment = { ...process.env, LIMN_CACHE: cache };
  const options = { encoding: "utf8", env: environment } as const;
  return JSON.parse(execFileSync(process.execPath, words, options)) as Finding;
}

const { values: words } = parseArgs({
  options: {
    size: { type: "string", default: "sd15" },
    calls: { type: "string", default: "3" },
    task: { type: "string" },
  },
});

async function report(): Promise<void> {
  const size = words.size === "tiny" ? "tiny" : "sd15";
  const folder = await randomModel(`unet-${size}-f16`, () => ({
    pipeline: "StableDiffusionPipeline",
    networks: { unet: unetOf(size) },
    dtype: "f16",
    scheduler: pndm,
  }));
  const context = unetConfigs[size].cross_attention_dim;
  const calls = Number(words.calls);
  const common = { folder, context, calls };
  rmSync(cache, { recursive: true, force: true });
  const first = inProcess({ ...common, mode: "lean", rows: 1, side: 64, calls: 1 });
  const tasks = [
    { mode: "lean", rows: 1, side: 64 },
    { mode: "lean", rows: 2, side: 64 },
    { mode: "lean", rows: 2, side: 96 },
    { mode: "fast", rows: 1, side: 64 },
    { mode: "fast", rows: 2, side: 96 },
  ] as const;
  const rows = tasks.map(({ mode, rows, side }) => {
    const found = inProcess({ ...common, mode, rows, side });
    const { start, started, after, peak, mapped, call } = found;
    return [`${mode}, ${rows} × ${side}×${side}`, start, started, after, peak, mapped, call];
  });
  const head = ["", "start, s", "private MB, started", "after", "peak", "mapped MB", "call, s"];
  await writeReport(`memory-${size}`, {
    notes: [
      `The UNet of SD 1.5${size === "tiny" ? " in miniature" : ""}, random weights in an f16 file, ${calls} calls.`,
      `The first process, which made the f32 twin, started in ${first.start.toFixed(1)} s.`,
    ],
    tables: [{ title: "One process per row", head, rows }],
  });
}

if (words.task === undefined) await report();
else console.log(JSON.stringify(await measure(JSON.parse(words.task) as Task)));
