/** @file The recipe's manners: batches, stopping, numbers that are none, requests that cannot be. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EngineError, hostArray, RequestError } from "../base/index.ts";
import { ortEngine, type Binding, type Engine } from "../runtime/index.ts";
import { finish, type Generation } from "./generation.ts";
import { GraphRunner } from "./programs/graph-runner.ts";
import { load, loadUnconditional } from "./loading/load.node.ts";
import type { UnconditionalRequest } from "./pixel-diffusion.ts";
import { completeRequest, type TextToImageRequest } from "./request.ts";
import { StableDiffusion } from "./stable-diffusion.ts";
import { textToImage } from "./text-to-image.ts";
import { unconditional } from "./unconditional.ts";

const folder = "tests/goldens/models/sd1";
const small = { prompt: "a cat", steps: 2, width: 32, height: 32, sampler: "Euler a" } as const;
let model: StableDiffusion;
beforeAll(async () => {
  model = await load(folder);
});
afterAll(() => model[Symbol.asyncDispose]());

function draw(request: TextToImageRequest, by = model): Promise<Generation> {
  return finish(textToImage(by, request));
}

test("a batch equals its singles, each from the next seed", async () => {
  const both = await draw({ ...small, prompt: ["a cat", "a dog"], seed: 7 });
  expect(both.seeds).toEqual([7, 8]);
  const half = both.latents.data.length / 2;
  for (const [i, prompt] of ["a cat", "a dog"].entries()) {
    const single = await draw({ ...small, prompt, seed: 7 + i });
    const part = both.latents.data.subarray(i * half, (i + 1) * half);
    // Kernels may sum in another order for another batch: f32 rounding, grown over two steps.
    single.latents.data.forEach((value, k) => expect(Math.abs(value - part[k])).toBeLessThan(1e-3));
  }
});

test("given noise takes the place of the seed's", async () => {
  const noise = hostArray(new Float32Array(4 * 8 * 8).fill(0.5), [1, 4, 8, 8]);
  const pictures = await Promise.all(
    [1, 2].map((seed) => draw({ ...small, sampler: "Euler", seed, latents: noise })),
  );
  expect(pictures[0].images[0].data).toEqual(pictures[1].images[0].data);
});

test("torch and Philox draw different pictures of one seed", async () => {
  const [torch, philox] = [await draw(small), await draw({ ...small, rng: "philox" })];
  expect(torch.latents.data).not.toEqual(philox.latents.data);
});

test("torch looks at the low 32 bits of a seed, Philox at all of them", async () => {
  const far = (rng: "torch" | "philox") => draw({ ...small, rng, seed: 2 ** 32 + 7 });
  const near = (rng: "torch" | "philox") => draw({ ...small, rng, seed: 7 });
  expect((await far("torch")).latents).toEqual((await near("torch")).latents);
  expect((await far("philox")).latents.data).not.toEqual((await near("philox")).latents.data);
});

describe("stopping", () => {
  test("returning from the generator gives back what it held", async () => {
    const own = await load(folder);
    const run = textToImage(own, small);
    await run.next();
    await run.next();
    expect((await run.return(undefined as never)).done).toBe(true);
    await own[Symbol.asyncDispose]();
    await expect(draw(small, own)).rejects.toThrow("closed");
  });
});

test("a signal stops within a step, and the model draws on afterwards", async () => {
  const controller = new AbortController();
  const run = textToImage(model, { ...small, width: 256, height: 256, signal: controller.signal });
  await run.next(); // encoded
  await run.next(); // the start noise
  setTimeout(() => controller.abort(new Error("enough")), 1);
  await expect(run.next()).rejects.toThrow("enough");
  expect((await draw(small)).images).toHaveLength(1);
});

describe("what cannot be drawn", () => {
  const cases: [string, Partial<TextToImageRequest>, string][] = [
    ["a size off the grid", { width: 33 }, "width: must be a multiple of 4"],
    ["no steps", { steps: 0 }, "steps: must be a whole number from 1"],
    ["half a step", { steps: 1.5 }, "steps: must be a whole number from 1"],
    ["guidance that is no number", { guidance: NaN }, "guidance: must be a number"],
    ["too many skipped layers", { clipSkip: 9 }, "clip-skip: must be a whole number from 1"],
    ["guidance without measure", { guidance: 1e9 }, "guidance: must be a number from 0 to 1000"],
    ["η above 1", { sampler: "DDIM", eta: 2 }, "eta: must be a number from 0 to 1"],
    ["η where there is none", { eta: 0.5 }, "eta: is DDIM's alone"],
    ["a side without measure", { width: 99999999999 }, "width: must be at most 65536, got 99999"],
    ["too many pictures", { count: 5e9 }, "count: must be a whole number from 1 to 1000000"],
    ["seeds that are not whole", { seed: 2 ** 53 - 1, count: 2 }, "seed: must be a whole number"],
    ["an unknown generator", { rng: "xx" as "torch" }, 'rng: must be torch or philox, got "xx"'],
    [
      "noise that is not finite",
      { latents: hostArray(new Float32Array(256).fill(NaN), [1, 4, 8, 8]) },
      "latents: must be finite, but number 0 is NaN",
    ],
    ["an unknown sampler", { sampler: "Oiler" }, 'sampler: there is no "Oiler"'],
    ["an unknown schedule", { schedule: "carras" }, 'schedule: there is no "carras"'],
    [
      "noise of another shape",
      { latents: hostArray(new Float32Array(4), [1, 1, 2, 2]) },
      "latents: must be [1,4,8,8]",
    ],
  ];
  test.each(cases)("%s", async (_, change, message) => {
    const failure = draw({ ...small, ...change });
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toBeInstanceOf(RequestError);
  });

  test("more threads than the machine has a use for", async () => {
    for (const open of [load, loadUnconditional])
      await expect(open(folder, { threads: 100_000 })).rejects.toThrow(/^threads: must be/);
  });

  test("more than fits into memory, before anything is compiled", async () => {
    const engine: Engine = {
      name: "none",
      version: "0",
      precisions: ["f32"],
      compile: () => Promise.reject(new Error("compiled")),
    };
    const poor = new StableDiffusion(
      model.parts,
      new GraphRunner({
        ...model.runner.options,
        engine,
        availableMemory: () => Promise.resolve(1000),
      }),
    );
    await expect(draw(small, poor)).rejects.toThrow(/text encoder needs about .* memory, but only/);
  });

  test("a picture that could not be decoded, before the first step", async () => {
    const { memory } = model.cost(completeRequest(small, model.parts.defaults));
    const told: string[] = [];
    /** Draws with so much free memory, which nothing uses up, for what is compiled here has not run yet. */
    const drawWith = async (bytes: number) => {
      const options = { ...model.runner.options, availableMemory: () => Promise.resolve(bytes) };
      await using tight = new StableDiffusion(model.parts, new GraphRunner(options));
      for await (const { type } of textToImage(tight, small)) told.push(type);
    };
    await drawWith(memory);
    expect(told).toContain("decoding");
    told.length = 0;
    await expect(drawWith(memory - 1)).rejects.toThrow(/^decoding 32×32 needs about .* memory/);
    expect(told).toEqual(["encoded"]);
  });
});

test.each<[string, UnconditionalRequest, string]>([
  ["no pictures", { count: 0 }, "count: must be a whole number from 1"],
  ["half a seed", { seed: 0.5 }, "seed: must be a whole number from 0"],
  ["no steps", { steps: 0 }, "steps: must be a whole number from 1"],
  ["an unknown generator", { rng: "xx" as "torch" }, "rng: must be torch or philox"],
  ["η where there is none", { eta: 1 }, "eta: is DDIM's alone"],
])("without words neither: %s", async (_, request, message) => {
  await using pixels = await loadUnconditional("tests/goldens/models/ddpm");
  const failure = finish(unconditional(pixels, request));
  await expect(failure).rejects.toThrow(message);
  await expect(failure).rejects.toBeInstanceOf(RequestError);
});

test("numbers that are none name the step and the module", async () => {
  const path = "unet.down_blocks.1.resnets.0.conv1.weight";
  const { bind } = model.parts.unetWeights;
  const engine = await ortEngine();
  const broken = new StableDiffusion(
    {
      ...model.parts,
      unetWeights: {
        identity: "broken",
        bind: (p): Binding =>
          p.path === path ? { kind: "array", data: new Float32Array(p.size).fill(NaN) } : bind(p),
      },
    },
    new GraphRunner({ ...model.runner.options, engine }),
  );
  const failure = draw(small, broken);
  await expect(failure).rejects.toBeInstanceOf(EngineError);
  await expect(failure).rejects.toThrow(
    "step 1: the network's output is not finite; the first module whose output is not finite is unet.down_blocks.1.resnets.0.conv1",
  );
  await broken[Symbol.asyncDispose]();
});

test("a UNet that wants a picture beside the words is refused in one sentence", async () => {
  const opening = load("tests/goldens/models/sd1-inpaint");
  await expect(opening).rejects.toThrow(/takes 9 channels, of which noisy latents are 4/);
});
