/** @file Stage 4: the decoder alone learns more detail. The latents stay what they are, so diffusion need not be trained again. */
import { join } from "node:path";
import { keyedRandom } from "limn/base";
import { place } from "limn/nn";
import { value } from "limn/runtime";
import { input } from "limn/tensor";
import { chance, type Run, type Stage, type Weights } from "limn/training";
import { gradientL1 } from "./autoencoder.ts";
import { openData } from "./data.ts";
import { latentSize, readLatents, readVae } from "./latents.ts";
import { autoencoder, latentShape } from "./networks.ts";
import { saveModel } from "./publish.ts";

const [batch, seed, pixels] = [3, 4, 128];

function trace() {
  const vae = place(autoencoder(), "vae");
  const latents = input("latents", [batch, ...latentShape]);
  const noise = input("noise", [batch, ...latentShape]);
  const picture = input("picture", [batch, 3, pixels, pixels]);
  // Latents from the UNet are never quite those of a picture: the decoder must forgive a little.
  const out = vae.decode(latents.add(noise.mul(0.1)));
  const l1 = out.sub(picture).abs().mean();
  const loss = l1.add(gradientL1(out, picture).mul(0.6));
  return { networks: { vae }, outputs: { loss, l1 } };
}

const decodes = (path: string) => path.includes("decoder") || path.includes("post_quant");

const publish =
  (diffusion: string) =>
  async (run: Run, decoder: Weights): Promise<void> => {
    const vae = await readVae(run.folder);
    const weights = {
      vae: new Map([...vae, ...[...decoder].filter(([path]) => decodes(path))]),
      diffusion: await run.weights(diffusion),
    };
    await saveModel(join(run.folder, "model"), { run, weights, dtype: "f16" });
  };

/** The last stage: it leaves the model, with the networks that the stage of that name has trained. */
export const decoderStage = (steps: number, diffusion = "diffusion"): Stage => ({
  name: "decoder",
  seed,
  steps,
  trace,
  start: (run) => readVae(run.folder),
  share: (path) => (decodes(path) ? 1 : 0),
  async batches(folder) {
    const data = await openData(folder);
    const all = await readLatents(folder, data.count);
    return (step) => {
      const draw = chance(seed, step);
      const rows = Array.from({ length: batch }, () => Math.floor(draw() * data.count));
      const latents = new Float32Array(batch * latentSize);
      const picture = new Float32Array(batch * 3 * pixels * pixels);
      rows.forEach((k, row) => {
        latents.set(all.subarray(k * latentSize, (k + 1) * latentSize), row * latentSize);
        picture.set(
          Float32Array.from(data.picture(k), (x) => x / 127.5 - 1),
          row * 3 * pixels * pixels,
        );
      });
      const noise = keyedRandom(seed, step, 0).normal([batch, ...latentShape]).data;
      return {
        latents: value(latents, [batch, ...latentShape]),
        noise: value(noise, [batch, ...latentShape]),
        picture: value(picture, [batch, 3, pixels, pixels]),
      };
    };
  },
  optimizer: { kind: "adamw", betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0 },
  rate: { base: 5e-4, warmup: 50, decay: "cosine", floor: 0.02 },
  clip: 1,
  ema: { decay: 0.998, ramp: "tenth" },
  finish: publish(diffusion),
});
