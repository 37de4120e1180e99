/** @file A recipe that trains in seconds: one stage, two convolutions, noise to fit; written to disk for `train`. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** What a test may change in the recipe: source text that replaces the part's own. */
export interface Parts {
  readonly batches?: string;
  readonly stage?: string;
  readonly forward?: string;
}

const network = ({ forward = "return this.outer.call(silu(this.inner.call(x)))" }: Parts) => `
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { keyedRandom } from "limn/base";
import { imageOf } from "limn/formats";
import { conv3x3, Module } from "limn/nn";
import { value } from "limn/runtime";
import { input, silu, type Tensor } from "limn/tensor";
import { defineRecipe, type Batch } from "limn/training";

class Net extends Module {
  readonly inner = conv3x3(3, 8);
  readonly outer = conv3x3(8, 3);
  forward(x: Tensor): Tensor {
    ${forward};
  }
}

const shape = [4, 3, 8, 8];
function batch(step: number, part: number): Batch {
  const random = keyedRandom(7, step, part);
  const x = random.normal(shape).data;
  return { x: value(x, shape), y: value(x.map((v) => Math.tanh(v)), shape) };
}
`;

const recipeOf = ({ batches = "return (step, part) => batch(step, part)", stage = "" }: Parts) => `
export default defineRecipe({
  name: "small",
  stages: [
    {
      name: "only",
      seed: 3,
      steps: 17,
      accumulate: 2,
      trace() {
        const net = new Net();
        const difference = net.call(input("x", shape)).sub(input("y", shape));
        const loss = difference.mul(difference).mean();
        return { networks: { net }, outputs: { loss, error: difference.abs().mean() } };
      },
      async batches() {
        ${batches};
      },
      optimizer: { kind: "adamw", betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0.01 },
      rate: { base: 1e-2, warmup: 3, decay: "cosine" },
      clip: 1,
      ema: { decay: 0.9, ramp: "tenth" },
      samples: {
        every: 6,
        draw: async (_run, weights) => {
          const [first] = weights.get("net.inner.weight") ?? [0];
          const data = new Uint8Array(12).fill(Math.abs(first) * 255);
          return imageOf(data, { width: 2, height: 2, channels: 3 });
        },
      },
      finish: (run, weights) => writeFile(join(run.folder, "finished.txt"), [...weights.keys()].join()),
      ${stage}
    },
  ],
});
`;

/** Writes the recipe into a new temporary folder, far from any node_modules and gone with the test; answers both. */
export async function writeSmallRecipe(
  parts: Parts = {},
): Promise<{ recipe: string; folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), "limn train "));
  onTestFinished(() => rm(folder, { recursive: true }));
  const recipe = join(folder, "recipe.ts");
  await writeFile(recipe, network(parts) + recipeOf(parts));
  return { recipe, folder };
}
