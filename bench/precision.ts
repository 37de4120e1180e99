/**
 * @file What bf16 changes of a model's pictures: the same prompts and seeds on OpenVINO in f32 and bf16, and on ONNX Runtime in f32
 * as the measure of what changes anyway. Run: npx jiti bench/precision.ts [--model models/emblem] [--pictures 50].
 */
import { basename } from "node:path";
import { parseArgs } from "node:util";
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

const ofError = (x: ArrayLike<number>, y: ArrayLike<number>) =>
  Array.from(x).reduce((sum, v, i) => sum + (v - y[i]) ** 2, 0) / x.length;

/** Peak signal-to-noise ratio of two pictures of bytes, in dB; equal ones count as 100. */
function psnr({ images: [a] }: Generation, { images: [b] }: Generation): number {
  const error = ofError(a.data, b.data);
  return error === 0 ? 100 : 10 * Math.log10(255 ** 2 / error);
}

/** Signal-to-noise ratio of final latents, in dB. */
function ratio({ latents: a }: Generation, { latents: b }: Generation): number {
  const power = a.data.reduce((sum, v) => sum + v * v, 0) / a.data.length;
  return 10 * Math.log10(power / ofError(a.data, b.data));
}

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
