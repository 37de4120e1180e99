/** @file Pictures out of pure noise: ancestral sampling of DDPM (Ho et al. 2020), or any other sampler. */
import type { Generation, GenerationStep } from "./generation.ts";
import { PerImageRandom } from "./per-image-random.ts";
import type { PixelDiffusion, UnconditionalRequest } from "./pixel-diffusion.ts";
import { checkEta, completeNoise, seedsOf, whole } from "./request.ts";
import { startNoise } from "./start-noise.ts";

/** Draws pictures. Yields after every call of the network; returning from the generator stops and frees what it held. */
export async function* unconditional(
  model: PixelDiffusion,
  request: UnconditionalRequest = {},
): AsyncGenerator<GenerationStep, Generation, void> {
  const { steps = model.parts.defaults.steps, count = 1, seed = 0, noiseFrom = "output" } = request;
  whole("steps", steps, 1);
  const seeds = seedsOf(seed, { count });
  const { eta, rng } = completeNoise(request);
  const scheduler = model.scheduler(request);
  checkEta(eta, scheduler.config.className);
  const sigma = scheduler.initNoiseSigma(steps);
  await using unet = await model.predictor(count, request.signal ?? null);

  const random = new PerImageRandom(rng, seeds);
  let x = startNoise(request.latents ?? null, { shape: model.shape(count), random, sigma });
  yield { type: "initial", x, steps: scheduler.levels(steps).length, initNoiseSigma: sigma };

  const run = { predict: unet.predict, x, steps, random, eta, noiseFrom };
  for await (const step of scheduler.sample(run)) {
    x = step.x;
    yield { type: "step", index: step.index, x, denoised: step.denoised };
  }
  yield { type: "decoding" };
  return { images: model.decode(x), seeds, latents: x };
}
