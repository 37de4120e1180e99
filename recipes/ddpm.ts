/** @file The paper's DDPM (Ho, Jain, Abbeel 2020) on small pictures, in one screen. `limn train recipes/ddpm.ts` */
import { keyedRandom } from "limn/base";
import { saveFolder } from "limn/checkpoints";
import { encodePng, writeFileAtomic } from "limn/formats";
import { parseUnconditionalUnetConfig, UNet2DModel } from "limn/models";
import { place } from "limn/nn";
import { value } from "limn/runtime";
import { alphasCumprod, parseSchedulerConfig } from "limn/schedulers";
import { input } from "limn/tensor";
import {
  addNoise,
  defineRecipe,
  numbersOf,
  type Batches,
  type Run,
  type Weights,
} from "limn/training";
import { drawPictures, openPictures, preparePictures, size } from "./ddpm/pictures.ts";
import { drawSamples } from "./ddpm/samples.ts";

const [batch, steps, seed] = [16, 5000, 1];
const shape = [batch, 3, size, size];

/** Variances of the forward process: β from 10⁻⁴ to 0.02 over T = 1000 steps. */
const scheduler = {
  _class_name: "DDPMScheduler",
  num_train_timesteps: 1000,
  beta_start: 1e-4,
  beta_end: 0.02,
  beta_schedule: "linear",
  prediction_type: "epsilon",
  variance_type: "fixed_small",
  clip_sample: true,
};

/** Three resolutions, 32 → 16 → 8; self-attention at the coarsest. */
const config = parseUnconditionalUnetConfig({
  _class_name: "UNet2DModel",
  sample_size: size,
  block_out_channels: [32, 64, 128],
  layers_per_block: 1,
  down_block_types: ["DownBlock2D", "DownBlock2D", "AttnDownBlock2D"],
  up_block_types: ["AttnUpBlock2D", "UpBlock2D", "UpBlock2D"],
  attention_head_dim: 32,
  norm_num_groups: 16,
});
const network = () => place(new UNet2DModel(config), "unet");

/** Algorithm 1: ε_θ(√ᾱ x₀ + √(1−ᾱ) ε, t) should answer ε; the loss is the mean square of what it misses. */
function trace() {
  const unet = network();
  const [clean, noise] = [input("clean", shape), input("noise", shape)];
  const [timestep, alpha, sigma] = ["timestep", "alpha", "sigma"].map((n) => input(n, [batch]));
  const guess = unet.call(addNoise(clean, noise, alpha, sigma), timestep);
  const missed = guess.sub(noise);
  return { networks: { unet }, outputs: { loss: missed.mul(missed).mean() } };
}

/** Per step: pictures x₀, noise ε, and for each picture a time t with its √ᾱ and √(1−ᾱ). */
async function batches(folder: string): Promise<Batches> {
  const pictures = await openPictures(folder);
  const alphaBars = alphasCumprod(parseSchedulerConfig(scheduler)); // ᾱ_t = Π (1 − β_s), s ≤ t
  const perPicture = (numbers: number[]) => value(numbers, [batch]);
  return (step) => {
    const random = keyedRandom(seed, step, 0);
    const times = [...random.uniform([batch]).data].map((u) => Math.floor(u * alphaBars.length));
    return {
      clean: value(drawPictures(pictures, batch, [seed, step]), shape),
      noise: value(random.normal(shape).data, shape),
      timestep: perPicture(times),
      alpha: perPicture(times.map((t) => Math.sqrt(alphaBars[t]))),
      sigma: perPicture(times.map((t) => Math.sqrt(1 - alphaBars[t]))),
    };
  };
}

const draw = (run: Run, weights: Weights, steps: number) =>
  drawSamples(run, weights, { network: network(), scheduler, steps });

/** A model folder that limn and diffusers open, `limn "" --model runs/ddpm/model`, and what it draws in all T steps. */
async function finish(run: Run, weights: Weights): Promise<void> {
  await saveFolder(`${run.folder}/model`, {
    pipeline: "DDPMPipeline",
    networks: { unet: network() },
    values: ({ path }) => numbersOf(weights, path),
    dtype: "f32",
    scheduler,
  });
  const samples = await draw(run, weights, scheduler.num_train_timesteps);
  await writeFileAtomic(`${run.folder}/samples.png`, await encodePng(samples));
}

export default defineRecipe({
  name: "ddpm",
  prepare: preparePictures,
  stages: [
    {
      name: "diffusion",
      seed,
      steps,
      trace,
      batches,
      optimizer: { kind: "adam", betas: [0.9, 0.999], eps: 1e-8, weightDecay: 0 },
      rate: { base: 1e-3, warmup: 100, decay: "cosine", floor: 0.05 },
      clip: 1,
      ema: { decay: 0.999, ramp: "tenth" },
      samples: { every: 1000, draw: (run, weights) => draw(run, weights, 100) },
      finish,
    },
  ],
});
