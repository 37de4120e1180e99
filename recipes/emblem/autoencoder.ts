/** @file Stage 1: the autoencoder, on crops; afterwards its latents are normalised per channel and written out. */
import { keyedRandom } from "limn/base";
import { parametersOf, place } from "limn/nn";
import { value } from "limn/runtime";
import { input, type Parameter, type Tensor } from "limn/tensor";
import { chance, initialValues, type Batches, type Stage, type Weights } from "limn/training";
import { openData } from "./data.ts";
import { writeLatents } from "./latents.ts";
import { autoencoder } from "./networks.ts";

const [batch, size, seed] = [8, 64, 1];

/** Mean absolute difference of neighbouring pixels' differences: keeps outlines sharp. */
export function gradientL1(a: Tensor, b: Tensor): Tensor {
  const difference = a.sub(b);
  const across = difference
    .slice(3, 1)
    .sub(difference.slice(3, 0, -1))
    .abs()
    .mean();
  const down = difference
    .slice(2, 1)
    .sub(difference.slice(2, 0, -1))
    .abs()
    .mean();
  return across.add(down);
}

function trace() {
  const vae = autoencoder();
  const picture = input("picture", [batch, 3, size, size]);
  const noise = input("noise", [batch, 8, size / 8, size / 8]);
  const sharp = input("sharp", []); // 0 while the mean counts, 1 while outlines do
  const { mean, logvar } = place(vae, "vae").encode(picture);
  const out = vae.decode(mean.add(logvar.mul(0.5).exp().mul(noise)));
  const l2 = out.sub(picture).mul(out.sub(picture)).mean();
  const l1 = out.sub(picture).abs().mean();
  const kl = mean.mul(mean).add(logvar.exp()).sub(1).sub(logvar).mean().mul(0.5);
  const soft = l2.add(l1.mul(0.2));
  const crisp = l1.add(gradientL1(out, picture).mul(0.4));
  const fit = soft.add(crisp.sub(soft).mul(sharp));
  return { networks: { vae }, outputs: { loss: fit.add(kl.mul(1e-4)), l2, kl } };
}

/** Gains that keep the signal's size through the chain; residual branches start small. */
function firstValues(parameter: Parameter): Float32Array {
  const { path, shape } = parameter;
  if (path === "vae.quant_conv.weight" || path === "vae.post_quant_conv.weight")
    return Float32Array.from({ length: parameter.size }, (_, i) =>
      Number(i % (shape[1] + 1) === 0),
    );
  if (path === "vae.quant_conv.bias")
    return Float32Array.from({ length: parameter.size }, (_, i) => (i < 8 ? 0 : -5));
  if (path.includes("norm")) return initialValues(parameter, seed);
  if (path.endsWith("bias")) return new Float32Array(parameter.size);
  const fanIn = shape[1] * shape[2] * shape[3];
  const relu = /conv1|conv_out/.test(path) ? Math.SQRT2 : 1;
  const small = path.includes("conv2") ? 0.1 : path === "vae.decoder.conv_out.weight" ? 0.3 : 1;
  const std = (relu * small) / Math.sqrt(fanIn);
  return initialValues(parameter, seed).map((x) => x * std * Math.sqrt(3 * fanIn)); // from U(±1/√fanIn)
}

function start(): Promise<Weights> {
  const vae = place(autoencoder(), "vae");
  return Promise.resolve(new Map(parametersOf(vae).map((p) => [p.path, firstValues(p)])));
}

async function batches(folder: string, sharpAt: (step: number) => number): Promise<Batches> {
  const data = await openData(folder);
  return (step) => {
    const pixels = new Float32Array(batch * 3 * size * size);
    for (let row = 0; row < batch; row++) {
      const draw = chance(seed, step, row);
      const whole = data.picture(Math.floor(draw() * data.count));
      const [x0, y0] = [draw(), draw()].map((u) => Math.floor(u * (data.size - size + 1)));
      for (let i = 0; i < 3 * size * size; i++) {
        const [c, y, x] = [Math.floor(i / size / size), Math.floor(i / size) % size, i % size];
        const from = (c * data.size + y0 + y) * data.size + x0 + x;
        pixels[row * 3 * size * size + i] = whole[from] / 127.5 - 1;
      }
    }
    const latents = [batch, 8, size / 8, size / 8];
    return {
      picture: value(pixels, [batch, 3, size, size]),
      noise: value(keyedRandom(seed, step, 0).normal(latents).data, latents),
      sharp: value([sharpAt(step)], []),
    };
  };
}

/** From nothing: the mean first, then outlines. */
export const autoencoderStage = (steps: number): Stage => ({
  name: "autoencoder",
  seed,
  steps,
  trace,
  batches: (folder) => batches(folder, (step) => Math.min(1, Math.max(0, step / steps - 0.25) * 4)),
  start,
  optimizer: { kind: "adamw", betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0 },
  rate: { base: 8e-4, warmup: 50, decay: "cosine", floor: 0.02 },
  clip: 1,
  ema: { decay: 0.998, ramp: "tenth" },
  finish: writeLatents,
});

/** From an autoencoder that has learnt other pictures: outlines count at once. */
export const furtherAutoencoderStage = (steps: number, start: () => Promise<Weights>): Stage => ({
  ...autoencoderStage(steps),
  batches: (folder) => batches(folder, () => 1),
  start,
  rate: { base: 4e-4, warmup: 50, decay: "cosine", floor: 0.02 },
});
