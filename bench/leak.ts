/**
 * @file Many generations in one process: private memory must stay flat within 5 % after the first 50, on each engine.
 * Run: npx jiti bench/leak.ts [--model tests/goldens/models/sd1] [--engine ort] [--count 2000] [--emblem 200]. Exits with 1 if it grows.
 */
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { MessageChannel } from "node:worker_threads";
import { memoryOf } from "./all/process.ts";
import { writeReport } from "./report.ts";
import { openEngine, type GenerateRequest } from "../src/service/index.ts";
import { Generator } from "../src/service/generator.ts";
import { serveGenerator } from "../src/service/generator-loop.ts";
import { portOf } from "../tests/reference/message-port.ts";

/** What one process does. */
interface Task {
  readonly model: string;
  readonly engine: "ort" | "openvino";
  readonly precision: "f32" | "bf16";
  readonly steps: number | null;
  readonly count: number;
}

/** Private megabytes after every tenth picture, the garbage collected. */
type Samples = readonly number[];

const every = 10;
/** Programs, pools and compiled code come into being meanwhile. */
const settled = 50;
const most = 0.05;

function requestOf({ model, engine, precision, steps }: Task, seed: number): GenerateRequest {
  return {
    ...{ folder: model, prompts: ["a red apple"], negative: null, steps, seed, count: 1, batch: 1 },
    ...{ guidance: null, guidanceRescale: 0, width: null, height: null, sampler: null },
    ...{ schedule: null, rng: "torch", eta: null, clipSkip: null, latents: null },
    ...{ keepLatents: false, engine, precision, threads: null, mode: "fast" },
  };
}

async function draw(task: Task): Promise<Samples> {
  const { gc } = globalThis;
  if (!gc) throw new Error("node --expose-gc is needed");
  const { port1, port2 } = new MessageChannel();
  serveGenerator(portOf(port1));
  const closed = new Promise<void>((resolve) => port2.once("close", resolve));
  await using generator = new Generator(portOf(port2), closed);
  const samples: number[] = [];
  for (let i = 1; i <= task.count; i++) {
    await generator.generate(requestOf(task, i));
    if (i % every > 0) continue;
    gc();
    await sleep(20); // pages that it emptied are given back by other threads
    gc();
    samples.push(memoryOf(process.pid).own);
    if (i % (20 * every) === 0) console.error(`  ${i}: ${samples.at(-1)?.toFixed(1)} MB`);
  }
  return samples;
}

function inProcess(task: Task): Samples {
  const jiti = fileURLToPath(new URL("lib/jiti-cli.mjs", import.meta.resolve("jiti/package.json")));
  const own = fileURLToPath(import.meta.url);
  const words = ["--expose-gc", jiti, own, "--task", JSON.stringify(task)];
  const stdio = ["ignore", "pipe", "inherit"] as const;
  const text = execFileSync(process.execPath, words, { encoding: "utf8", stdio: [...stdio] });
  return JSON.parse(text) as Samples;
}

/** Engines that are here, in each of their precisions; those that are not, with the reason. */
async function ways(wanted: string | undefined) {
  const found: Pick<Task, "engine" | "precision">[] = [];
  const absent: string[] = [];
  for (const engine of ["ort", "openvino"] as const) {
    if (wanted !== undefined && wanted !== engine) continue;
    try {
      const { precisions } = (await openEngine(engine)).engine;
      for (const precision of precisions) found.push({ engine, precision });
    } catch (error) {
      absent.push(
        `${engine} is absent: ${error instanceof Error ? error.message : String(error)}.`,
      );
    }
  }
  return { found, absent };
}

const at = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { values: words } = parseArgs({
  options: {
    model: { type: "string", default: at("tests/goldens/models/sd1") },
    engine: { type: "string" },
    count: { type: "string", default: "2000" },
    emblem: { type: "string", default: "200" },
    task: { type: "string" },
  },
});

/** The middle of every five samples in a row: the collector's own coming and going is no leak. */
function smooth(samples: Samples): number[] {
  const windows = Array.from({ length: Math.floor(samples.length / 5) }, (_, i) => i * 5);
  return windows.map((from) => [...samples.slice(from, from + 5)].sort((a, b) => a - b)[2]);
}

function rowOf(task: Task, samples: Samples): (string | number)[] {
  const later = smooth(samples.slice(settled / every));
  const [least, largest] = [Math.min(...later), Math.max(...later)];
  const [first, last] = [later[0], later.at(-1) ?? NaN];
  const growth = largest / first - 1;
  const name = `${task.model.split("/").at(-1)}, ${task.engine} ${task.precision}`;
  const verdict = growth <= most ? "flat" : "not flat";
  return [name, task.count, first, least, largest, last, 100 * growth, verdict];
}

async function report(): Promise<void> {
  const { found, absent } = await ways(words.engine);
  const works = [
    { model: words.model, steps: 2, count: Number(words.count) },
    { model: at("models/emblem"), steps: null, count: Number(words.emblem) },
  ].filter(({ count }) => count > 2 * settled);
  const rows = works.flatMap((work) =>
    found.map((way) => {
      const task = { ...work, ...way };
      console.error(`${work.model} on ${way.engine} ${way.precision}`);
      return rowOf(task, inProcess(task));
    }),
  );
  await writeReport(["leak", ...(words.engine === undefined ? [] : [words.engine])].join("-"), {
    notes: [
      `Private memory in MB after every tenth picture of one process, from the ${settled}th on, the middle one of every five; flat is at most ${100 * most} % more than the first.`,
      ...absent,
    ],
    tables: [
      {
        title: "Generations in one process",
        head: ["", "pictures", "first", "least", "most", "last", "most / first - 1, %", ""],
        rows,
      },
    ],
  });
  if (rows.some((row) => row.at(-1) !== "flat")) process.exitCode = 1;
}

if (words.task === undefined) await report();
else console.log(JSON.stringify(await draw(JSON.parse(words.task) as Task)));
