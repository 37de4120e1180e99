/** @file What the DDPM draws so far: ancestral samples from always the same noise, side by side. */
import type { Image } from "limn/formats";
import type { UNet2DModel } from "limn/models";
import { finish, GraphRunner, PixelDiffusion, unconditional } from "limn/pipelines";
import type { Run, Weights } from "limn/training";
import { size } from "./pictures.ts";

/** Pictures in a row and in all; steps of a quick look (T of them is ten times slower); pixels a pixel is shown as. */
const [across, count, steps, zoom] = [8, 32, 100, 3];

function grid(pictures: readonly Image[]): Image {
  const width = across * size * zoom;
  const height = Math.ceil(pictures.length / across) * size * zoom;
  const data = new Uint8Array(width * height * 3);
  for (let i = 0; i < data.length; i++) {
    const [channel, x, y] = [i % 3, Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
    const [column, row] = [Math.floor(x / zoom), Math.floor(y / zoom)];
    const picture = pictures[Math.floor(row / size) * across + Math.floor(column / size)];
    data[i] = picture.data[((row % size) * size + (column % size)) * 3 + channel];
  }
  return { width, height, channels: 3, data };
}

/** Algorithm 2 with the averaged weights: from pure noise, x_{t−1} ~ p_θ(x_{t−1} | x_t) down to a picture. */
export async function drawSamples(
  { engine, threads }: Run,
  weights: Weights,
  { network, scheduler }: { network: UNet2DModel; scheduler: Readonly<Record<string, unknown>> },
): Promise<Image> {
  const bind = ({ path }: { path: string }) =>
    ({ kind: "array", data: weights.get(path) ?? new Float32Array() }) as const;
  await using model = new PixelDiffusion(
    {
      name: "ddpm",
      unet: network,
      unetWeights: { bind, identity: "samples" },
      scheduler,
      defaults: { steps, sampler: null, schedule: null },
      size: [size, size],
      remarks: [],
    },
    new GraphRunner({
      engine,
      mode: "fast",
      threads: threads ?? null,
      cacheBytes: 0,
      availableMemory: () => Promise.resolve(null),
    }),
  );
  return grid((await finish(unconditional(model, { count }))).images);
}
