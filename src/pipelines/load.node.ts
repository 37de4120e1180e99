/** @file Model folders to models that draw, on ONNX Runtime. */
import { statSync } from "node:fs";
import { basename, join } from "node:path";
import { WeightError } from "../base/index.ts";
import {
  openFolder,
  type Component,
  type DiffusersFolder,
  type TextEncoder as EncoderModule,
} from "../checkpoints/index.ts";
import { jsonObject } from "../formats/index.ts";
import { UNet2DConditionModel, UNet2DModel } from "../models/index.ts";
import { checkThreads, ortEngine, type Engine } from "../runtime/index.ts";
import type { Settings } from "../schedulers/index.ts";
import { GraphRunner, type Weights } from "./graph-runner.ts";
import { machineMemory } from "./memory.node.ts";
import { PixelDiffusion } from "./pixel-diffusion.ts";
import { readRecommendations, type Recommendations } from "./recommendations.node.ts";
import { StableDiffusion } from "./stable-diffusion.ts";
import type { TextEncoder } from "./text-encoding.ts";
import { readTokenizer } from "./tokenizer-files.node.ts";

/** How a model is run. All of it has a default. */
export interface LoadOptions {
  /** ONNX Runtime when left out. */
  readonly engine?: Engine;
  /** `lean` (the default) leaves weights in their files; `fast` packs them into private memory. */
  readonly mode?: "lean" | "fast";
  /** Threads within one op, up to four for each processor; all physical cores when left out. */
  readonly threads?: number;
  /** Bytes that idle programs may hold; 4 GiB when left out. */
  readonly cacheBytes?: number;
}

/** Opens a Stable Diffusion 1, 2 or XL folder in the layout of diffusers, and its `limn.json`. Nothing is compiled yet. */
export async function load(folder: string, options: LoadOptions = {}): Promise<StableDiffusion> {
  const [runner, opened, own] = await openAll(folder, options);
  const { unet, vae, textEncoder, pipeline } = opened;
  if (!(unet.module instanceof UNet2DConditionModel) || !vae || !textEncoder)
    throw new WeightError(`${folder} is a ${pipeline}, not a text-to-image model`);
  checkChannels(folder, unet.module.config.inChannels, vae.module.config.latentChannels);
  const xl = pipeline.startsWith("StableDiffusionXL");
  const factor = 2 ** (vae.module.config.channels.length - 1);
  const [height, width] = unet.module.config.sampleSize ?? [64, 64];
  return new StableDiffusion(
    {
      name: basename(folder),
      encoders: await textEncoders(opened),
      stateRule: xl ? "penultimate" : "last-normed",
      zeroNegative: xl && (opened.settings.get("force_zeros_for_empty_prompt") ?? true) === true,
      unet: unet.module,
      unetWeights: weightsOf(unet, folder),
      vae: vae.module,
      vaeWeights: weightsOf(vae, folder),
      scheduler: schedulerOf(opened),
      remarks: opened.remarks,
      defaults: {
        ...own,
        steps: own.steps ?? 50,
        guidance: own.guidance ?? (xl ? 5 : 7.5),
        width: own.width ?? width * factor,
        height: own.height ?? height * factor,
        factor,
      },
    },
    runner,
  );
}

/** A network that sees more than latents wants a picture beside the words. */
function checkChannels(folder: string, sees: number, latents: number): void {
  if (sees === latents) return;
  throw new WeightError(
    `the UNet of ${folder} takes ${sees} channels, of which noisy latents are ${latents}: it wants a picture beside the words`,
    {
      hint: "inpainting, editing and upscaling models can be looked at with limn info, but not drawn with yet",
    },
  );
}

/** Opens a folder of a UNet2DModel and a scheduler, such as DDPM's. Nothing is compiled yet. */
export async function loadUnconditional(
  folder: string,
  options: LoadOptions = {},
): Promise<PixelDiffusion> {
  const [runner, opened, own] = await openAll(folder, options);
  const { unet, pipeline, remarks } = opened;
  if (!(unet.module instanceof UNet2DModel))
    throw new WeightError(`${folder} is a ${pipeline}, not an unconditional model`);
  return new PixelDiffusion(
    {
      name: basename(folder),
      unet: unet.module,
      unetWeights: weightsOf(unet, folder),
      scheduler: schedulerOf(opened),
      defaults: { ...own, steps: own.steps ?? 1000 },
      size: unet.module.config.sampleSize ?? [32, 32],
      remarks,
    },
    runner,
  );
}

function openAll(
  folder: string,
  options: LoadOptions,
): Promise<[GraphRunner, DiffusersFolder, Recommendations]> {
  return Promise.all([runnerOf(options), openFolder(folder), readRecommendations(folder)]);
}

async function runnerOf({ engine, mode, threads, cacheBytes }: LoadOptions): Promise<GraphRunner> {
  checkThreads(threads);
  return new GraphRunner({
    engine: engine ?? (await ortEngine()),
    mode: mode ?? "lean",
    threads: threads ?? null,
    cacheBytes: cacheBytes ?? 2 ** 32,
    availableMemory: async () => (await machineMemory()).available,
  });
}

/** A network's place in the model and the places of its weights, by parameter path. */
type Located = { readonly module: { readonly path: string } } & Pick<
  Component<EncoderModule>,
  "weights"
>;

/** A network's weights as a runner takes them. */
export function weightsOf({ module, weights }: Located, folder: string): Weights {
  return {
    identity: `${join(folder, module.path)} ${stateOf(weights)}`,
    bind: ({ path }) => {
      const stored = weights.get(path);
      if (!stored) throw new WeightError(`${folder} has no tensor for ${path}`);
      const { file, offset, dtype } = stored;
      return { kind: "file", file, offset, dtype };
    },
  };
}

/** Files, sizes and times: another file in the place of one that was loaded has others. */
function stateOf(weights: Located["weights"]): string {
  const files = new Set([...weights.values()].map(({ file }) => file));
  return [...files]
    .map((file) => {
      const { size, mtimeMs, ino } = statSync(file);
      return [file, size, mtimeMs, ino].join(" ");
    })
    .join("\n");
}

function schedulerOf({ path, scheduler }: DiffusersFolder): Settings {
  if (scheduler === null) throw new WeightError(`${path} has no scheduler_config.json`);
  return jsonObject(scheduler, join(path, "scheduler", "scheduler_config.json"));
}

async function textEncoders(opened: DiffusersFolder): Promise<TextEncoder[]> {
  const { path, textEncoder, tokenizer, textEncoder2, tokenizer2 } = opened;
  const pairs: [Component<EncoderModule> | null, string | null][] = [
    [textEncoder, tokenizer],
    [textEncoder2, tokenizer2],
  ];
  const found = pairs.flatMap(([encoder, folder]) => (encoder ? [{ encoder, folder }] : []));
  return Promise.all(
    found.map(async ({ encoder, folder }) => {
      if (folder === null) throw new WeightError(`${path} has a text encoder, but no tokenizer`);
      return {
        network: encoder.module,
        tokenizer: await readTokenizer(folder),
        weights: weightsOf(encoder, path),
      };
    }),
  );
}
