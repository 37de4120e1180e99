/** @file Between the stages: every picture's latents, normalised, and the autoencoder that makes them so. */
import { join } from "node:path";
import { WeightError } from "limn/base";
import { openSafetensors, readAsF32, writeSafetensors } from "limn/formats";
import { parametersOf, place } from "limn/nn";
import { value } from "limn/runtime";
import { graphOf, input } from "limn/tensor";
import { bindWeights, numbersOf, type Run, type Weights } from "limn/training";
import { openData } from "./data.ts";
import { autoencoder, latentShape } from "./networks.ts";

const [channels] = latentShape;
const pixels = 16 * 16;

const latentsFile = "latents.safetensors";

/** Numbers of one picture's latents. */
export const latentSize = channels * pixels;

/** Encodes every picture of the data set to the mean of its latents: [N, 8·16·16]. */
async function encodeAll(run: Run, weights: Weights): Promise<Float32Array[]> {
  const vae = place(autoencoder(), "vae");
  const batch = 8;
  const { mean } = vae.encode(input("picture", [batch, 3, 128, 128]));
  await using program = await run.engine.compile(graphOf({ mean }), {
    bind: bindWeights(weights),
    ...(run.threads === undefined ? {} : { threads: run.threads }),
  });
  using data = await openData(run.folder);
  const latents: Float32Array[] = [];
  for (let k = 0; k < data.count; k += batch) {
    const rows = Array.from({ length: batch }, (_, i) =>
      data.picture(Math.min(k + i, data.count - 1)),
    );
    const picture = Float32Array.from({ length: batch * 3 * 128 * 128 }, (_, i) => {
      const row = Math.floor(i / (3 * 128 * 128));
      return rows[row][i % (3 * 128 * 128)] / 127.5 - 1;
    });
    const out = await program.run({ picture: value(picture, [batch, 3, 128, 128]) });
    for (let i = 0; i < batch && k + i < data.count; i++)
      latents.push(
        (out.mean.data as Float32Array).slice(i * channels * pixels, (i + 1) * channels * pixels),
      );
  }
  return latents;
}

/** Mean and deviation of each channel over all pictures and places. */
function statistics(latents: readonly Float32Array[]): { mean: number[]; std: number[] } {
  const count = latents.length * pixels;
  const over = (term: (x: number, c: number) => number) =>
    Array.from({ length: channels }, (_, c) => {
      let sum = 0;
      for (const z of latents) for (let i = 0; i < pixels; i++) sum += term(z[c * pixels + i], c);
      return sum / count;
    });
  const mean = over((x) => x);
  return { mean, std: over((x, c) => (x - mean[c]) ** 2).map(Math.sqrt) };
}

/** Folds the normalisation into the 1×1 convolutions around the latents, so that any tool sees unit latents. */
export function fold(weights: Weights, { mean, std }: { mean: number[]; std: number[] }): Weights {
  const folded = new Map([...weights].map(([path, data]) => [path, data.slice()]));
  const of = (path: string) => numbersOf(folded, `vae.${path}`);
  const [inW, inB, outW, outB] = [
    "quant_conv.weight",
    "quant_conv.bias",
    "post_quant_conv.weight",
    "post_quant_conv.bias",
  ].map(of);
  for (let c = 0; c < channels; c++) {
    for (let k = 0; k < 2 * channels; k++) inW[c * 2 * channels + k] /= std[c];
    inB[c] = (inB[c] - mean[c]) / std[c];
    inB[c + channels] -= 2 * Math.log(std[c]);
    for (let row = 0; row < channels; row++) outB[row] += outW[row * channels + c] * mean[c];
    for (let row = 0; row < channels; row++) outW[row * channels + c] *= std[c];
  }
  return folded;
}

const entries = (weights: Weights) => {
  const shapes = new Map(parametersOf(place(autoencoder(), "vae")).map((p) => [p.path, p.shape]));
  return [...weights].map(([name, data]) => ({
    name,
    dtype: "f32" as const,
    shape: shapes.get(name) ?? [],
    data,
  }));
};

/** Writes `vae.safetensors` (normalised) and `latents.safetensors` in the run folder. */
export async function writeLatents(run: Run, weights: Weights): Promise<void> {
  const latents = await encodeAll(run, weights);
  const stats = statistics(latents);
  await writeSafetensors(join(run.folder, "vae.safetensors"), entries(fold(weights, stats)));
  const all = new Float32Array(latents.length * channels * pixels);
  latents.forEach((z, k) =>
    z.forEach((x, i) => {
      const c = Math.floor(i / pixels);
      all[k * channels * pixels + i] = (x - stats.mean[c]) / stats.std[c];
    }),
  );
  const shape = [latents.length, ...latentShape];
  const file = join(run.folder, latentsFile);
  await writeSafetensors(file, [{ name: "latents", dtype: "f32", shape, data: all }]);
}

/** Latents of all `count` pictures, in the order of the data set; throws WeightError where the file has others. */
export async function readLatents(folder: string, count: number): Promise<Float32Array> {
  const file = join(folder, latentsFile);
  const stored = (await openSafetensors(file)).tensors.get("latents");
  const needed = [count, ...latentShape].join();
  if (stored?.shape.join() !== needed)
    throw new WeightError(
      `${file} needs a tensor latents [${needed}], one for each picture, but has ${stored ? `[${stored.shape.join()}]` : "none"}`,
      { hint: "train the autoencoder stage again: its end writes the latents" },
    );
  return readAsF32(stored);
}

/** The normalised autoencoder of a run, by parameter path. */
export async function readVae(folder: string): Promise<Weights> {
  const { tensors } = await openSafetensors(join(folder, "vae.safetensors"));
  const weights = new Map<string, Float32Array>();
  for (const [name, stored] of tensors) weights.set(name, await readAsF32(stored));
  return weights;
}
