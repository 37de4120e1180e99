/**
 * @file The second start of a compiled model: SD 1.5's UNet taken from limn's cache by OpenVINO in bf16, from the folder to the end of
 * the first step, beside OpenVINO taking the same compiled model from Python, and beside only reading its bytes. One process
 * for each, by turns. Run: LIMN_PEERS=python LIMN_OPENVINO=… npx jiti bench/second-start.ts [--size tiny] [--rounds 5]
 */
import { execFileSync } from "node:child_process";
import { closeSync, openSync, readdirSync, readSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { openFolder } from "../src/checkpoints/index.ts";
import { UNet2DConditionModel } from "../src/models/index.ts";
import { openVinoEngine, value } from "../src/runtime/index.ts";
import { graphOf, input } from "../src/tensor/index.ts";
import { peers, spread } from "./contest.ts";
import { benchFolder, pndm, randomModel, unetConfigs, unetOf } from "./random-model.ts";
import { writeReport } from "./report.ts";

const { values: words } = parseArgs({
  options: {
    size: { type: "string", default: "sd15" },
    rounds: { type: "string", default: "5" },
    threads: { type: "string", default: "2" },
    task: { type: "string" },
  },
});
const size = words.size === "tiny" ? "tiny" : "sd15";
const threads = Number(words.threads);
const cache = join(benchFolder, "second-start-cache");

/** Seconds of a process: until the model can run, of its first step, and of its processor until then. */
interface Found {
  readonly start: number;
  readonly first: number;
  readonly cpu: number;
}

async function own(folder: string): Promise<Found> {
  const [from, cpu] = [performance.now(), process.cpuUsage()];
  const { unet } = await openFolder(folder);
  const { module, weights } = unet;
  if (!(module instanceof UNet2DConditionModel)) throw new Error(`${folder} has another UNet`);
  const shapes = { sample: [1, 4, 64, 64], timestep: [1], context: [1, 77, width] };
  const [sample, timestep, context] = Object.entries(shapes).map(([name, its]) => input(name, its));
  const engine = await openVinoEngine();
  await using program = await engine.compile(
    graphOf({ out: module.call(sample, timestep, context) }),
    {
      ...{ threads, precision: "bf16", cache: "disk" },
      bind: ({ path }) => {
        const stored = weights.get(path);
        if (!stored) throw new Error(`no weights of ${path}`);
        return { kind: "file", ...stored };
      },
    },
  );
  const start = performance.now() - from;
  const filled = Object.entries(shapes).map(([name, shape]) => {
    const data = new Float32Array(shape.reduce((a, b) => a * b, 1)).fill(0.5);
    return [name, value(data, shape)] as const;
  });
  const at = performance.now();
  await program.run(Object.fromEntries(filled));
  const { user, system } = process.cpuUsage(cpu);
  return {
    start: start / 1000,
    first: (performance.now() - at) / 1000,
    cpu: (user + system) / 1e6,
  };
}
const width = unetConfigs[size].cross_attention_dim;

const run = (command: string, args: readonly string[]): Found => {
  const options = { encoding: "utf8", env: { ...process.env, LIMN_CACHE: cache } } as const;
  return JSON.parse(execFileSync(command, args, options)) as Found;
};
const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));

/** Folder of the one compiled model in the cache, and its largest file. */
function kept(): { folder: string; blob: string } {
  const compiled = join(cache, "compiled");
  const [name] = readdirSync(compiled);
  const folder = join(compiled, name);
  const blob = readdirSync(folder).find((file) => file.endsWith(".blob")) ?? "";
  return { folder, blob: join(folder, blob) };
}

/** Reads a file in large pieces into the same memory. */
function reading(file: string): Found {
  const [from, cpu] = [performance.now(), process.cpuUsage()];
  const [opened, piece] = [openSync(file, "r"), new Uint8Array(4 * 2 ** 20)];
  while (readSync(opened, piece) > 0);
  closeSync(opened);
  const { user, system } = process.cpuUsage(cpu);
  return { start: (performance.now() - from) / 1000, first: 0, cpu: (user + system) / 1e6 };
}

async function report(): Promise<void> {
  const folder = await randomModel(`unet-${size}-f16`, () => ({
    pipeline: "StableDiffusionPipeline",
    networks: { unet: unetOf(size) },
    dtype: "f16",
    scheduler: pndm,
  }));
  rmSync(cache, { recursive: true, force: true });
  const jiti = fileURLToPath(new URL("lib/jiti-cli.mjs", import.meta.resolve("jiti/package.json")));
  const limn = () =>
    run(process.execPath, [jiti, fileURLToPath(import.meta.url), "--size", size, "--task", folder]);
  const first = limn();
  const { folder: place, blob } = kept();
  const script = at("peers/second_start.py");
  const python = peers;
  const everyone: (readonly [string, () => Found])[] = [
    ["limn, taken from its cache", limn],
    ...(python
      ? [
          [
            "OpenVINO from Python, the same",
            () => run(python, [script, place, words.threads]),
          ] as const,
        ]
      : []),
    ["its bytes only read", () => reading(blob)],
  ];
  const found = new Map<string, Found[]>(everyone.map(([name]) => [name, []]));
  for (let round = 0; round < Number(words.rounds); round++)
    for (const [name, measure] of everyone) found.get(name)?.push(measure());
  const rows = everyone.map(([name]): [string, ...number[]] => {
    const of = (pick: (f: Found) => number) => spread((found.get(name) ?? []).map(pick));
    const [start, all] = [of((f) => f.start), of((f) => f.start + f.first)];
    return [name, start.least, start.median, all.least, all.median, of((f) => f.cpu).least];
  });
  await writeReport(`second-start-${size}`, {
    notes: [
      `SD 1.5's UNet (${size}), f16 file, bf16, ${threads} threads; ${(statSync(blob).size / 1e9).toFixed(2)} GB are kept.`,
      `The very first start, which makes the f32 twin, compiles and keeps: ${(first.start + first.first).toFixed(1)} s.`,
      ...(peers ? [] : ["LIMN_PEERS names no Python: its row is absent."]),
    ],
    tables: [
      {
        title: "Seconds",
        head: [
          "",
          "until it can run, least",
          "median",
          "and its first step, least",
          "median",
          "processor, least",
        ],
        rows,
      },
    ],
  });
}

if (words.task === undefined) await report();
else console.log(JSON.stringify(await own(words.task)));
