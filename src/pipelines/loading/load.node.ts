/** @file Model folders to models that draw, on ONNX Runtime. */
import { basename, join } from "node:path";
import { openFolder } from "../../checkpoints/index.ts";
import { identityOf } from "../../formats/index.ts";
import { checkThreads, ortEngine, type Engine, type Precision } from "../../runtime/index.ts";
import {
  assemblePixelDiffusion,
  assembleStableDiffusion,
  filesOf,
  versionsOf,
  type Located,
  type OpenedModel,
} from "./assemble.ts";
import { GraphRunner } from "../programs/graph-runner.ts";
import { machineMemory } from "../programs/memory.node.ts";
import type { PixelDiffusion } from "../pixel-diffusion.ts";
import { readRecommendations } from "../recommendations.node.ts";
import type { StableDiffusion } from "../stable-diffusion.ts";
import { readTokenizer } from "./tokenizer-files.node.ts";

/** How a model is run. All of it has a default. */
export interface LoadOptions {
  /** ONNX Runtime when left out. */
  readonly engine?: Engine;
  /** `lean` (the default) leaves weights in their files; `fast` packs them into private memory. */
  readonly mode?: "lean" | "fast";
  /** What the engine computes in; f32 when left out. bf16 is faster where there are instructions for it, and less exact. */
  readonly precision?: Precision;
  /** Threads within one op, up to four for each processor; all physical cores when left out. */
  readonly threads?: number;
  /** Bytes that idle programs may hold; 4 GiB when left out. */
  readonly cacheBytes?: number;
}

/** Opens a Stable Diffusion 1, 2 or XL folder in the layout of diffusers, and its `limn.json`. Nothing is compiled yet. */
export async function load(folder: string, options: LoadOptions = {}): Promise<StableDiffusion> {
  const [runner, opened] = await Promise.all([runnerOf(options), open(folder)]);
  return assembleStableDiffusion(opened, runner);
}

/** Opens a folder of a UNet2DModel and a scheduler, such as DDPM's. Nothing is compiled yet. */
export async function loadUnconditional(
  folder: string,
  options: LoadOptions = {},
): Promise<PixelDiffusion> {
  const [runner, opened] = await Promise.all([runnerOf(options), open(folder)]);
  return assemblePixelDiffusion(opened, runner);
}

async function open(path: string): Promise<OpenedModel> {
  const [folder, recommendations] = await Promise.all([
    openFolder(path),
    readRecommendations(path),
  ]);
  const versions = await versionsOf(folder, async (file) => {
    const identity = await identityOf(file);
    return `${identity.path}\n${identity.version}`;
  });
  const identify = (located: Located) => {
    const states = filesOf(located).map((file) => versions.get(file));
    return [join(path, located.module.path), ...states].join("\n");
  };
  return { name: basename(path), folder, recommendations, readTokenizer, identify };
}

async function runnerOf(options: LoadOptions): Promise<GraphRunner> {
  const { engine = await ortEngine(), mode, precision = "f32", threads, cacheBytes } = options;
  checkThreads(threads);
  return new GraphRunner({
    engine,
    mode: mode ?? "lean",
    precision,
    threads: threads ?? null,
    cacheBytes: cacheBytes ?? 2 ** 32,
    availableMemory: async () => (await machineMemory()).available,
  });
}
