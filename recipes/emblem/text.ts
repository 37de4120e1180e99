/** @file Stage 2: the text encoder learns each drawing's mean latents, so that diffusion starts with words that mean something. */
import { Linear, Module, place } from "limn/nn";
import { input, silu, type Tensor } from "limn/tensor";
import { weightedMse, type Stage } from "limn/training";
import { latentShape, textEncoder, tokens, unet } from "./networks.ts";
import { drawPairs, openPairs, stack } from "./words.ts";
import { value } from "limn/runtime";

const [batch, seed] = [64, 2];
const size = latentShape.reduce((a: number, b) => a * b, 1);

/** Thrown away afterwards: from the pooled text to latents. */
class Head extends Module {
  linear1 = new Linear(512, size);
  linear2 = new Linear(size, size);
  forward(x: Tensor): Tensor {
    return this.linear2.call(silu(this.linear1.call(silu(x))));
  }
}

function trace() {
  const encoder = place(textEncoder(), "text_encoder");
  const { addEmbedding } = unet();
  const head = new Head();
  if (!addEmbedding) throw new Error("the UNet has no add_embedding");
  const ids = input("ids", [batch, tokens], "i64");
  const mean = input("mean", [batch, size]);
  const weight = input("weight", [batch]);
  const guess = head.call(addEmbedding.call(encoder.call(ids).lastHiddenState));
  const networks = { text_encoder: encoder, "unet.add_embedding": addEmbedding, head };
  return { networks, outputs: { loss: weightedMse(guess, mean, weight) } };
}

export const textStage = (steps: number): Stage => ({
  name: "text",
  seed,
  steps,
  trace,
  async batches(folder) {
    const pairs = await openPairs(folder, { recoloured: 0.4 });
    return (step) => {
      const drawn = drawPairs(pairs, batch, [seed, step]);
      return {
        ids: pairs.ids(drawn.map((pair) => pair.caption)),
        mean: stack(
          drawn.map((pair) => pair.mean),
          [size],
        ),
        // An empty caption has little to learn and would otherwise weigh as much as forty things.
        weight: value(
          drawn.map((pair) => (pair.caption === "" ? 0.3 : 1)),
          [batch],
        ),
      };
    };
  },
  optimizer: { kind: "adamw", betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0.01 },
  rate: { base: 7e-4, warmup: 100, decay: "cosine", floor: 0.02 },
  clip: 1,
  ema: { decay: 0.99, ramp: "tenth" },
});
