/**
 * @file One call of the SD 1.5 UNet, random weights, f32, fast mode, beside a plain ONNX export in ONNX Runtime and PyTorch.
 * Run: LIMN_PEERS=python npx jiti bench/unet.ts [--size tiny] [--side 64] [--rounds 5] [--threads 2]
 */
import { join } from "node:path";
import { execFileSync } from "node:child_process";
import { cpus } from "node:os";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { keyedRandom } from "../src/base/index.ts";
import { openFolder } from "../src/checkpoints/index.ts";
import { writeSafetensors } from "../src/formats/index.ts";
import { UNet2DConditionModel } from "../src/models/index.ts";
import { ortEngine, value, type Program, type Value } from "../src/runtime/index.ts";
import { graphOf, input } from "../src/tensor/index.ts";
import { costOf, openPeer, peerContestant, peers, spread, takeTurns } from "./contest.ts";
import { pndm, randomModel, unetConfigs, unetOf, type UnetSize } from "./random-model.ts";
import { writeReport } from "./report.ts";

const { values: words } = parseArgs({
  options: {
    size: { type: "string", default: "sd15" },
    side: { type: "string", default: "64" },
    rounds: { type: "string", default: "5" },
    threads: { type: "string", default: String(cpus().length) },
  },
});
const size: UnetSize = words.size === "tiny" ? "tiny" : "sd15";
const { side, threads } = words;
const rounds = Number(words.rounds);

function inputsOf(): Record<string, Value> {
  const random = keyedRandom(0, 0, 0);
  const normal = (shape: number[]) => value(random.normal(shape).data, shape);
  return {
    sample: normal([1, 4, Number(side), Number(side)]),
    timestep: value([500], [1]),
    context: normal([1, 77, unetConfigs[size].cross_attention_dim]),
  };
}

/** limn's program in fast mode, with the weights that the peers read too. */
async function compileUnet(folder: string, inputs: Record<string, Value>): Promise<Program> {
  const { unet } = await openFolder(folder);
  const { module, weights } = unet;
  if (!(module instanceof UNet2DConditionModel)) throw new Error(`${folder} has another UNet`);
  const [sample, timestep, context] = Object.entries(inputs).map(([n, v]) => input(n, v.shape));
  const engine = await ortEngine();
  return engine.compile(graphOf({ out: module.call(sample, timestep, context) }), {
    mode: "fast",
    threads: Number(threads),
    bind: ({ path }) => {
      const stored = weights.get(path);
      if (!stored) throw new Error(`no weights of ${path}`);
      return { kind: "file", ...stored };
    },
  });
}

/** What the peers need to do the same and to see that it is the same. */
async function writeFacts(folder: string, facts: Record<string, Record<string, Value>>) {
  for (const [name, values] of Object.entries(facts)) {
    const entries = Object.entries(values).map(([key, { shape, data }]) => {
      return { name: key, dtype: "f32" as const, shape, data: data as Float32Array };
    });
    await writeSafetensors(join(folder, `${name}-${side}.safetensors`), entries);
  }
}

async function openPeers(python: string, folder: string) {
  const script = fileURLToPath(new URL("peers/unet.py", import.meta.url));
  execFileSync(python, [script, folder, "export", threads, side], { stdio: "ignore" });
  const open = (kind: string) => openPeer(python, "unet.py", [folder, kind, threads, side]);
  return { "ONNX export": await open("onnx"), PyTorch: await open("torch") };
}

const folder = await randomModel(`unet-${size}`, () => ({
  pipeline: "StableDiffusionPipeline",
  networks: { unet: unetOf(size) },
  dtype: "f32",
  scheduler: pndm,
}));
const inputs = inputsOf();
const compiling = performance.now();
await using program = await compileUnet(folder, inputs);
const compiled = performance.now() - compiling;
await writeFacts(folder, { inputs, output: await program.run(inputs) });
const others = peers ? Object.entries(await openPeers(peers, folder)) : [];
const notes = [`SD 1.5 UNet${size === "tiny" ? " in miniature" : ""}, batch 1, ${side}×${side}`];
for (const [name, peer] of others) {
  const { difference, largest } = await peer.ask({ do: "compare" });
  notes.push(`${name}: largest difference ${difference.toExponential(1)} of ${largest.toFixed(2)}`);
}
const costs = await takeTurns(
  [
    { name: "limn, fast", run: () => costOf(() => program.run(inputs)) },
    ...others.map(([name, peer]) => peerContestant(name, peer, { do: "run" })),
  ],
  rounds,
);
for (const [, peer] of others) await peer[Symbol.asyncDispose]();
const table = [...costs].map(([name, list]) => ({
  name,
  wall: spread(list.map(({ wall }) => wall)),
  cpu: spread(list.map(({ cpu }) => cpu)),
}));
await writeReport(`unet-${size}-${side}-${threads}`, {
  notes: [
    `${notes.join("; ")}; ${threads} threads, ${rounds} rounds by turns; limn compiled in ${(compiled / 1000).toFixed(1)} s.`,
  ],
  tables: [
    {
      title: "Milliseconds per call",
      head: ["", "least", "median", "limn / this", "CPU time, least", "limn / this"],
      rows: table.map(({ name, wall, cpu }) => [
        name,
        wall.least,
        wall.median,
        table[0].wall.least / wall.least,
        cpu.least,
        table[0].cpu.least / cpu.least,
      ]),
    },
  ],
});
