/** @file What the DDPM draws so far: ancestral samples from always the same noise, side by side. */
import type { Image } from "limn/formats";
import type { UNet2DModel } from "limn/models";
import { finish, GraphRunner, PixelDiffusion, unconditional } from "limn/pipelines";
import { bindWeights, gridOf, type Run, type Weights } from "limn/training";
import { size } from "./pictures.ts";

/** Pictures in a row and in all; pixels a pixel is shown as. */
const [across, count, zoom] = [8, 32, 3];

/** Algorithm 2 with the averaged weights: from pure noise, x_{t−1} ~ p_θ(x_{t−1} | x_t) down to a picture. */
export async function drawSamples(
  { engine, threads }: Run,
  weights: Weights,
  options: {
    network: UNet2DModel;
    scheduler: Readonly<Record<string, unknown>>;
    steps: number;
  },
): Promise<Image> {
  const { network, scheduler, steps } = options;
  await using model = new PixelDiffusion(
    {
      name: "ddpm",
      unet: network,
      unetWeights: { bind: bindWeights(weights), identity: "samples" },
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
  return gridOf((await finish(unconditional(model, { count }))).images, { across, zoom });
}
