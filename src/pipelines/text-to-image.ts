/** @file Text to image: the whole of Stable Diffusion on one screen (Rombach et al. 2022). */
import type { Generation, GenerationStep } from "./generation.ts";
import { PerImageRandom } from "./per-image-random.ts";
import { checkEta, completeRequest, type TextToImageRequest } from "./request.ts";
import type { StableDiffusion } from "./stable-diffusion.ts";
import { startNoise } from "./start-noise.ts";

/** Draws pictures. Yields after every call of the network; returning from the generator stops and frees what it held. */
export async function* textToImage(
  model: StableDiffusion,
  request: TextToImageRequest,
): AsyncGenerator<GenerationStep, Generation, void> {
  const complete = completeRequest(request, model.parts.defaults);
  const { steps, eta, seeds } = complete;
  const scheduler = model.scheduler(complete);
  checkEta(eta, scheduler.config.className);
  const sigma = scheduler.initNoiseSigma(steps);

  const conditioning = await model.encode(complete);
  yield { type: "encoded" };
  await using unet = await model.predictor(complete, conditioning);
  await model.foreseeDecoder(complete, unet.pending);

  const random = new PerImageRandom(complete.rng, seeds);
  const shape = model.latentShape(complete);
  let x = startNoise(complete.latents, { shape, random, sigma });
  yield { type: "initial", x, steps: scheduler.levels(steps).length, initNoiseSigma: sigma };

  for await (const step of scheduler.sample({ predict: unet.predict, x, steps, random, eta })) {
    x = step.x;
    yield { type: "step", index: step.index, x, denoised: step.denoised };
  }
  yield { type: "decoding" };
  return { images: await model.decode(x, complete.signal), seeds, latents: x };
}
