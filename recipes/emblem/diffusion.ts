/** @file Stage 3: the UNet learns to see the clean latents in noisy ones, told by the text what to look for. */
import { keyedRandom } from "limn/base";
import { place } from "limn/nn";
import { value } from "limn/runtime";
import { alphasCumprod, parseSchedulerConfig } from "limn/schedulers";
import { input } from "limn/tensor";
import { addNoise, mixesOf, stratifiedTimesteps, weightedMse, type Stage } from "limn/training";
import { latentShape, textEncoder, tokens, unet } from "./networks.ts";
import { drawSamples } from "./samples.ts";
import { schedulerJson } from "./scheduler.ts";
import { drawPairs, openPairs, stack } from "./words.ts";

const batch = 16;

function trace() {
  const encoder = place(textEncoder(), "text_encoder");
  const network = place(unet(), "unet");
  const clean = input("clean", [batch, ...latentShape]);
  const noise = input("noise", [batch, ...latentShape]);
  const ids = input("ids", [batch, tokens], "i64");
  const [timestep, alpha, sigma, weight] = ["timestep", "alpha", "sigma", "weight"].map((name) =>
    input(name, [batch]),
  );
  const context = encoder.call(ids).lastHiddenState;
  const guess = network.call(addNoise(clean, noise, alpha, sigma), timestep, context);
  const loss = weightedMse(guess, clean, weight);
  return { networks: { text_encoder: encoder, unet: network }, outputs: { loss } };
}

/** `seed` decides which pictures, captions and noise it sees in which order. */
export const diffusionStage = (steps: number, seed = 3): Stage => ({
  name: "diffusion",
  seed,
  steps,
  trace,
  start: (run) => run.weights("text"),
  async batches(folder) {
    const pairs = await openPairs(folder, { recoloured: 0.3 });
    const alphaBars = alphasCumprod(parseSchedulerConfig(schedulerJson));
    return (step) => {
      const drawn = drawPairs(pairs, batch, [seed, step]);
      const random = keyedRandom(seed, step, 0);
      // Layout is decided at the noisy end and learnt slowest: most of each batch goes there, less towards the end.
      const share = 0.8 - 0.3 * (step / steps);
      const uniform = [...random.uniform([batch]).data];
      const timesteps = stratifiedTimesteps(uniform, { steps: 1000, share, from: 600 });
      const mixes = mixesOf(timesteps, alphaBars, "sample", { kind: "minSnrPlusOne", gamma: 5 });
      return {
        clean: stack(
          drawn.map((pair) => pair.latents),
          latentShape,
        ),
        noise: value(random.normal([batch, ...latentShape]).data, [batch, ...latentShape]),
        ids: pairs.ids(drawn.map((pair) => pair.caption)),
        timestep: value(timesteps, [batch]),
        alpha: value(
          mixes.map((mix) => mix.alpha),
          [batch],
        ),
        sigma: value(
          mixes.map((mix) => mix.sigma),
          [batch],
        ),
        weight: value(
          mixes.map((mix) => mix.weight),
          [batch],
        ),
      };
    };
  },
  optimizer: { kind: "adamw", betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0.01 },
  rate: { base: 1e-3, warmup: 100, decay: "cosine", floor: 0.03 },
  share: (path) => (path.startsWith("text_encoder") || path.includes("add_embedding") ? 0.3 : 1),
  clip: 1,
  ema: { decay: 0.999, ramp: "tenth" },
  samples: { every: 1000, draw: drawSamples },
});
