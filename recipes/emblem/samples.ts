/** @file How far the diffusion stage is: a grid of pictures by the averaged weights, and whether words matter. */
import { keyedRandom, type HostArray } from "limn/base";
import type { Image } from "limn/formats";
import { place } from "limn/nn";
import { value, type Program } from "limn/runtime";
import { guide, parseSchedulerConfig, schedulerFrom } from "limn/schedulers";
import { graphOf, input, type Parameter } from "limn/tensor";
import type { Run, Weights } from "limn/training";
import { openTokenizer } from "./data.ts";
import { readVae } from "./latents.ts";
import { schedulerJson } from "./scheduler.ts";
import { autoencoder, latentShape, textEncoder, tokens, unet } from "./networks.ts";

const prompts = [
  ..."a red apple|a cat|a house|a red heart|a car|красное яблоко|a banana|a fish".split("|"),
  ..."a tree|a blue apple|a green car|a clock|the sun, blob style|a dog|a rose|a key".split("|"),
];
const rows = prompts.length;
const [width, height, guidance, steps] = [4, 4, 3, 20];

const bindTo = (weights: Weights) => ({
  bind: ({ path }: Parameter) =>
    ({ kind: "array", data: weights.get(path) ?? new Float32Array() }) as const,
});

function compileAll({ engine }: Run, weights: Weights, vae: Weights): Promise<Program[]> {
  const encoder = place(textEncoder(), "text_encoder");
  const ids = input("ids", [2 * rows, tokens], "i64");
  const network = place(unet(), "unet");
  const [x, t, context] = [
    input("x", [2 * rows, ...latentShape]),
    input("t", [2 * rows]),
    input("context", [2 * rows, tokens, 192]),
  ];
  const decoder = place(autoencoder(), "vae");
  const z = input("z", [rows, ...latentShape]);
  return Promise.all([
    engine.compile(graphOf({ context: encoder.call(ids).lastHiddenState }), bindTo(weights)),
    engine.compile(graphOf({ y: network.call(x, t, context) }), bindTo(weights)),
    engine.compile(graphOf({ picture: decoder.decode(z) }), bindTo(vae)),
  ]);
}

const twice = (x: HostArray) => {
  const data = new Float32Array(2 * x.data.length);
  data.set(x.data);
  data.set(x.data, x.data.length);
  return value(data, [2 * rows, ...latentShape]);
};

/** Puts planar pictures in [−1, 1] side by side. */
function grid(planes: Float32Array, size: number): Image {
  const data = new Uint8Array(width * height * size * size * 3);
  for (let i = 0; i < planes.length; i++) {
    const [n, c] = [Math.floor(i / (3 * size * size)), Math.floor(i / (size * size)) % 3];
    const [y, x] = [Math.floor(i / size) % size, i % size];
    const row = Math.floor(n / width) * size + y;
    const level = Math.min(1, Math.max(0, planes[i] / 2 + 0.5));
    data[(row * width * size + (n % width) * size + x) * 3 + c] = Math.round(level * 255);
  }
  return { width: width * size, height: height * size, channels: 3, data };
}

/** Sixteen prompts, guidance 3, twenty steps, always from the same noise. */
export async function drawSamples(run: Run, weights: Weights): Promise<Image> {
  const programs = await compileAll(run, weights, await readVae(run.folder));
  try {
    const [text, network, decoder] = programs;
    const tokenizer = await openTokenizer(run.folder);
    const texts = [...prompts.map(() => ""), ...prompts];
    const rowsOfIds = texts.flatMap((caption) => [...tokenizer.encodePadded(caption)]);
    const { context } = await text.run({ ids: value(rowsOfIds, [2 * rows, tokens], "i64") });
    const predict = async (x: HostArray, timestep: number): Promise<HostArray> => {
      const t = value(Array<number>(2 * rows).fill(timestep), [2 * rows]);
      const { y } = await network.run({ x: twice(x), t, context });
      const data = y.data as Float32Array;
      const half = (from: number) => ({
        shape: x.shape,
        data: data.slice(from * x.data.length, (from + 1) * x.data.length),
      });
      return guide({ unconditional: half(0), conditional: half(1) }, { scale: guidance });
    };
    const scheduler = schedulerFrom(parseSchedulerConfig(schedulerJson));
    const random = keyedRandom(0, 0, 0);
    let x = random.normal([rows, ...latentShape]);
    for await (const step of scheduler.sample({ predict, x, steps, random })) x = step.x;
    const { picture } = await decoder.run({ z: value(x.data, x.shape) });
    return grid(picture.data as Float32Array, 128);
  } finally {
    for (const program of programs) await program[Symbol.asyncDispose]();
  }
}
