/**
 * @file What bf16 changes of a model's pictures: the same prompts and seeds on OpenVINO in f32 and bf16, and on ONNX Runtime in f32
 * as the measure of what changes anyway. Run: npx jiti bench/precision.ts [--model models/emblem] [--pictures 50].
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
import { peakSignalToNoise, signalToNoise } from "../src/base/index.ts";
import {
  finish,
  load,
  textToImage,
  type Generation,
  type LoadOptions,
} from "../src/pipelines/index.ts";
import { openVinoEngine, ortEngine } from "../src/runtime/index.ts";
import { writeReport } from "./report.ts";

const { values: words } = parseArgs({
  options: {
    model: { type: "string", default: "models/emblem" },
    pictures: { type: "string", default: "50" },
    steps: { type: "string" },
  },
});

/** Of emblem's things, some of each kind; other models know more. */
const subjects = ["red apple", "blue car", "green tree", "yellow star", "cat", "house"];

async function draw(options: LoadOptions): Promise<Generation[]> {
  await using model = await load(words.model, options);
  const made: Generation[] = [];
  for (let seed = 0; seed < Number(words.pictures); seed++) {
    const prompt = `a ${subjects[seed % subjects.length]}`;
    const steps = words.steps === undefined ? {} : { steps: Number(words.steps) };
    made.push(await finish(textToImage(model, { prompt, seed, ...steps })));
  }
  return made;
}

/** Of two pictures, in dB; equal ones count as 100. */
const psnr = ({ images: [a] }: Generation, { images: [b] }: Generation): number =>
  Math.min(100, peakSignalToNoise(a.data, b.data));

/** Of final latents, in dB. */
const ratio = ({ latents: a }: Generation, { latents: b }: Generation): number =>
  signalToNoise(a.data, b.data);

function row(name: string, exact: readonly Generation[], other: readonly Generation[]) {
  const sorted = (of: (a: Generation, b: Generation) => number) =>
    exact.map((a, i) => of(a, other[i])).sort((a, b) => a - b);
  const [latents, pictures] = [sorted(ratio), sorted(psnr)];
  const middle = (x: readonly number[]) => x[Math.floor(x.length / 2)];
  return [name, latents[0], middle(latents), pictures[0], middle(pictures)];
}

const openvino = await openVinoEngine();
const exact = await draw({ engine: openvino });
const narrow = await draw({ engine: openvino, precision: "bf16" });
const other = await draw({ engine: await ortEngine() });
await writeReport(`precision-${basename(words.model)}`, {
  notes: [
    `${words.pictures} pictures beside those of OpenVINO ${openvino.version} in f32: dB, the worst and the middle one.`,
  ],
  tables: [
    {
      title: basename(words.model),
      head: ["", "latents, worst", "latents", "picture, worst", "picture"],
      rows: [row("OpenVINO, bf16", exact, narrow), row("ONNX Runtime, f32", exact, other)],
    },
  ],
});
