/** @file Whole generations against diffusers: latents after every step, and the pictures. */
import { existsSync, readFileSync } from "node:fs";
import { afterAll, describe, expect, test } from "vitest";
import { openSafetensors, readTensor, type SafetensorsIndex } from "../formats/index.ts";
import { schedulerClasses, type Settings } from "../schedulers/index.ts";
import type { Generation, GenerationStep } from "./generation.ts";
import { load, loadUnconditional } from "./loading/load.node.ts";
import type { PixelDiffusion } from "./pixel-diffusion.ts";
import type { TextToImageRequest } from "./request.ts";
import type { StableDiffusion } from "./stable-diffusion.ts";
import { textToImage } from "./text-to-image.ts";
import { unconditional } from "./unconditional.ts";

interface Case {
  readonly name: string;
  readonly task: string;
  readonly model: string;
  readonly prompt: string;
  readonly negative?: string;
  readonly prompt_2?: string;
  readonly steps: number;
  readonly guidance: number;
  readonly guidance_rescale?: number;
  readonly seed: number;
  readonly width?: number | null;
  readonly height?: number | null;
  readonly count?: number;
  readonly eta?: number;
  readonly use_clipped_model_output?: boolean;
  readonly clip_skip?: { readonly diffusers?: number; readonly a1111?: number };
  readonly original_size?: [number, number];
  readonly crops_coords_top_left?: [number, number];
  readonly target_size?: [number, number];
  readonly scheduler: { readonly class: string; readonly config: Settings };
  readonly init_noise_sigma?: number;
  readonly expected: { readonly latents: readonly string[]; readonly image: string };
}

const groups = ["txt2img", "sd2", "sdxl", "unconditional"] as const;

/** Why a case is left to later work; null if it is run. */
function reasonToSkip(
  root: string,
  { task, prompt_2: second, scheduler, model }: Case,
): string | null {
  if (task === "img2img" || task === "refiner") return `${task} is not built yet`;
  if (second !== undefined) return "a prompt for each encoder cannot be asked for";
  if (!schedulerClasses.some(({ name }) => name === scheduler.class))
    return `${scheduler.class} is not built yet`;
  return existsSync(`${root}/${model}`) ? null : `${model} is not among these goldens`;
}

type Model = StableDiffusion | PixelDiffusion;

/** Opens each model of the suite once. */
function modelShelf(root: string) {
  const models = new Map<string, Promise<Model>>();
  afterAll(async () => {
    for (const model of models.values()) await (await model)[Symbol.asyncDispose]();
  });
  return ({ model, task }: Case): Promise<Model> => {
    const open = task === "unconditional" ? loadUnconditional : load;
    const found = models.get(model) ?? open(`${root}/${model}`);
    models.set(model, found);
    return found;
  };
}

function requestOf(c: Case): TextToImageRequest {
  const skip = c.clip_skip?.a1111 ?? (c.clip_skip?.diffusers ?? 0) + 1;
  const { original_size: original, crops_coords_top_left: crop, target_size: target } = c;
  return {
    prompt: c.prompt,
    negative: c.negative ?? null,
    steps: c.steps,
    guidance: c.guidance,
    seed: c.seed,
    clipSkip: skip,
    // diffusers skips layers for the prompt only, A1111 for both.
    negativeClipSkip: c.clip_skip?.a1111 ?? 1,
    scheduler: c.scheduler.config,
    ...(c.guidance_rescale === undefined ? {} : { guidanceRescale: c.guidance_rescale }),
    ...(c.width ? { width: c.width } : {}),
    ...(c.height ? { height: c.height } : {}),
    ...(c.count === undefined ? {} : { count: c.count }),
    ...(c.eta === undefined ? {} : { eta: c.eta }),
    ...(original && crop && target ? { sizes: { original, crop, target } } : {}),
  };
}

function start(model: Model, c: Case): AsyncGenerator<GenerationStep, Generation, void> {
  if ("vae" in model.parts) return textToImage(model as StableDiffusion, requestOf(c));
  return unconditional(model as PixelDiffusion, {
    steps: c.steps,
    seed: c.seed,
    count: c.count ?? 1,
    eta: c.eta ?? 0,
    noiseFrom: c.use_clipped_model_output ? "denoised" : "output",
    scheduler: c.scheduler.config,
  });
}

/** The largest difference in standard deviations of the expected array. */
function difference(found: Float32Array, expected: Float32Array): number {
  expect(found.length).toBe(expected.length);
  const mean = expected.reduce((sum, x) => sum + x, 0) / expected.length;
  const variance = expected.reduce((sum, x) => sum + (x - mean) ** 2, 0) / expected.length;
  const worst = expected.reduce((max, x, i) => Math.max(max, Math.abs(x - found[i])), 0);
  return found.every(Number.isFinite) ? worst / Math.sqrt(variance) : Infinity;
}

async function check(model: Model, c: Case, index: SafetensorsIndex): Promise<void> {
  const bytes = async (name: string) => {
    const tensor = index.tensors.get(name);
    if (!tensor) throw new Error(`no golden ${name}`);
    return (await readTensor(tensor)).buffer;
  };
  const run = start(model, c);
  let step = await run.next();
  for (; !step.done; step = await run.next()) {
    const news = step.value;
    if (news.type === "initial") {
      expect(news.steps).toBe(c.expected.latents.length);
      if (c.init_noise_sigma) expect(news.initNoiseSigma).toBeCloseTo(c.init_noise_sigma, 5);
    }
    if (news.type !== "step") continue;
    const expected = new Float32Array(await bytes(c.expected.latents[news.index]));
    expect(difference(news.x.data, expected), `latents of step ${news.index}`).toBeLessThan(2e-3);
  }
  const expected = new Uint8Array(await bytes(c.expected.image));
  const found = step.value.images.flatMap(({ data }) => [...data]);
  expect(found.length).toBe(expected.length);
  const far = found.map((value, i) => Math.abs(value - expected[i]));
  expect(Math.max(...far)).toBeLessThanOrEqual(2);
  expect(far.reduce((sum, x) => sum + x, 0) / far.length).toBeLessThan(0.3);
}

/** Runs the cases whose samplers and models are there; `counts` says how many that must be. */
export function goldenSuite(
  root: string,
  counts: Readonly<Record<(typeof groups)[number], number>>,
) {
  const modelOf = modelShelf(root);
  const ran: Record<string, number> = {};
  describe.each(groups)("%s", (group) => {
    const text = readFileSync(`${root}/pipelines/${group}.json`, "utf8");
    const { cases } = JSON.parse(text) as { cases: Case[] };
    const opened = openSafetensors(`${root}/pipelines/${group}.safetensors`);
    for (const c of cases) {
      const reason = reasonToSkip(root, c);
      if (reason !== null) test.skip(`${c.name}: ${reason}`);
      else {
        ran[group] = (ran[group] ?? 0) + 1;
        test(c.name, async () => check(await modelOf(c), c, await opened));
      }
    }
  });
  test("no case is passed over in silence", () => {
    expect(ran).toEqual(counts);
  });
}
