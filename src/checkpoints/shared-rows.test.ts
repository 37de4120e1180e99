/** @file Latents that are given once for several texts: the numbers of latents given for each, with less work. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { keyedRandom } from "../base/index.ts";
import { UNet2DConditionModel } from "../models/index.ts";
import { multiplyAdds } from "../pipelines/programs/cost.ts";
import { ortEngine, value, type Value } from "../runtime/index.ts";
import { graphOf, input, type Graph } from "../tensor/index.ts";
import { openFolder } from "./index.ts";

const [images, rows] = [2, 4];

/** A folder's UNet, and its inputs for so many rows of latents. */
async function unetIn(folder: string) {
  const { unet } = await openFolder(folder);
  const { module, weights } = unet;
  if (!(module instanceof UNet2DConditionModel)) throw new Error(`${folder} has another UNet`);
  const { inChannels, levels, addition } = module.config;
  const size = 16;
  const shapes = (latents: number): Record<string, number[]> => ({
    sample: [latents, inChannels, size, size],
    timestep: [latents],
    states: [rows, 7, levels[0].contextWidth],
    ...(addition?.kind === "text_time" && {
      pooled: [rows, addition.inputWidth - 6 * addition.timeIdWidth],
      time_ids: [rows, 6],
    }),
  });
  const trace = (latents: number): Graph => {
    const its = Object.fromEntries(
      Object.entries(shapes(latents)).map(([name, shape]) => [name, input(name, shape)]),
    );
    const { sample, timestep, states, pooled, time_ids } = its;
    const added = addition?.kind === "text_time" ? { textEmbeds: pooled, timeIds: time_ids } : {};
    return graphOf({ y: module.call(sample, timestep, states, added) });
  };
  const run = async (latents: number): Promise<Float32Array> => {
    const engine = await ortEngine();
    await using program = await engine.compile(trace(latents), {
      bind: ({ path }) =>
        ({ kind: "file", ...(weights.get(path) as NonNullable<unknown>) }) as never,
    });
    const given = Object.entries(shapes(latents)).map(([name, shape], i): [string, Value] => {
      const part = name === "sample" || name === "timestep" ? [images, ...shape.slice(1)] : shape;
      const { data } = keyedRandom(1, i, 0).normal(part);
      if (name === "timestep") data.set([500, 20]);
      // The same latents again for the second half.
      const length = shape.reduce((a, b) => a * b, 1);
      const all = Float32Array.from({ length }, (_, j) => data[j % data.length]);
      return [name, value(all, shape)];
    });
    return (await program.run(Object.fromEntries(given))).y.data as Float32Array;
  };
  return { trace, run };
}

test.each([
  // Text enters at the first level.
  ["tests/goldens/models/sd1", 0.99],
  ["tests/goldens/models/sd2-v", 0.99],
  // What is added to the time differs from row to row, so that only the first convolution is shared.
  ["tests/goldens/models/sdxl", 1],
  ["models/emblem", 1],
])("%s", async (folder, share) => {
  const { trace, run } = await unetIn(join(import.meta.dirname, "../..", folder));
  const [shared, each] = [await run(images), await run(rows)];
  expect(shared.length).toBe(each.length);
  const largest = each.reduce((most, n) => Math.max(most, Math.abs(n)), 0);
  const apart = each.reduce((most, n, i) => Math.max(most, Math.abs(n - shared[i])), 0);
  expect(apart / largest).toBeLessThan(1e-5); // kernels may add in another order for other sizes
  // Rows of different texts differ, or the test would see nothing.
  const half = each.length / 2;
  expect(each.subarray(0, half)).not.toEqual(each.subarray(half));
  expect(multiplyAdds(trace(images)) / multiplyAdds(trace(rows))).toBeLessThan(share);
});
