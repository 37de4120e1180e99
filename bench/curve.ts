/**
 * @file Does training in bf16 follow f32? The first steps of the emblem's diffusion, with the same batches, on ONNX Runtime in f32
 * and on OpenVINO in f32 and bf16: the two in f32 show what rounding alone does.
 * Run: npx jiti bench/curve.ts [--run runs/emblem] [--recipe recipes/emblem.ts] [--steps 500], where the run's text stage has ended.
 */
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { writeFileAtomic } from "../src/formats/index.ts";
import { openTrainingEngines } from "../src/service/training-engine.ts";
import { lossCurve } from "../src/training/run/curve.node.ts";
import { train } from "../src/training/train.node.ts";
import { writeReport } from "./report.ts";

const { values: words } = parseArgs({
  options: {
    run: { type: "string", default: "runs/emblem" },
    recipe: { type: "string", default: "recipes/emblem.ts" },
    steps: { type: "string", default: "500" },
  },
});
const { run, recipe } = words;
const steps = Number(words.steps);
const settings = [
  ["ort", "f32"],
  ["openvino", "f32"],
  ["openvino", "bf16"],
] as const;
const names = settings.map(([engine, precision]) => `${engine} ${precision}`);

/** What the diffusion reads of the run, by links: nothing is written there. */
const needed = [
  "autoencoder",
  "text",
  "data",
  "tokenizer",
  "latents.safetensors",
  "vae.safetensors",
];

/** Losses of the first steps. */
async function follow([name, wanted]: (typeof settings)[number]): Promise<number[]> {
  const folder = await mkdtemp(join(tmpdir(), "limn curve "));
  for (const part of needed) await symlink(resolve(run, part), join(folder, part));
  const engines = await openTrainingEngines(name, wanted);
  const losses: number[] = [];
  const clock = () => performance.now() / 1000;
  const events = train(recipe, { folder, clock, ...engines });
  for await (const event of events) {
    if (event.kind !== "step") continue;
    losses.push(event.metrics.loss);
    if (event.step % 50 === 0) console.error(`${name} ${wanted} ${event.step}`);
    if (event.step === steps) break;
  }
  await rm(folder, { recursive: true });
  return losses;
}

const runs: number[][] = [];
for (const setting of settings) runs.push(await follow(setting));
const mean = (x: readonly number[]) => x.reduce((a, b) => a + b, 0) / x.length;
const last = (x: readonly number[]) => x.slice(-100);
/** Root mean square of the steps' differences, as a share of the mean loss. */
const apart = (a: readonly number[], b: readonly number[]) =>
  Math.sqrt(mean(a.map((v, i) => (v - b[i]) ** 2))) / mean(a);
const [own] = runs;
const scatter = apart(own.slice(1), own.slice(0, -1));
const curve = "docs/emblem/bf16.png";
await writeFileAtomic(
  curve,
  await lossCurve(...runs.map((losses) => losses.map((loss, i) => ({ step: i + 1, loss })))),
);
await writeReport("curve-emblem", {
  notes: [
    `The emblem's diffusion (${recipe}), ${steps} steps of 16, the same batches; ${curve} draws them in blue, orange, green.`,
    `From one step to the next the loss of the first differs by ${(100 * scatter).toFixed(1)} % (root mean square).`,
  ],
  tables: [
    {
      title: "Losses",
      head: [
        "",
        "mean",
        "mean of the last 100",
        "/ ONNX Runtime's",
        "apart from it, step by step, %",
      ],
      rows: runs.map((losses, i) => [
        names[i],
        mean(losses),
        mean(last(losses)),
        mean(last(losses)) / mean(last(own)),
        100 * apart(own, losses),
      ]),
    },
  ],
});
