/** @file The works of the benchmark: networks at fixed sizes, a whole picture, and training steps, with what goes into them. */
import { existsSync } from "node:fs";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { keyedRandom } from "../../src/base/index.ts";
import { writeSafetensors } from "../../src/formats/index.ts";
import {
  AutoencoderKL,
  CLIPTextModel,
  parseClipTextConfig,
  parseVaeConfig,
} from "../../src/models/index.ts";
import { place } from "../../src/nn/index.ts";
import { benchFolder, pndm, randomModel, unetOf, type UnetSize } from "../random-model.ts";
import { writeTrainFolder } from "../train-folder.ts";

/** One piece of work that all contestants do. */
export interface Work {
  readonly name: string;
  readonly title: string;
  readonly kind: "text" | "unet" | "vae" | "picture" | "train";
  /** Model folder in diffusers' layout. */
  readonly model: string;
  /** Its inputs, and limn's answer in f32. */
  readonly given: string;
  readonly expected: string;
  /** Where peers put their exports, shared by works that differ in their batch only. */
  readonly exported: string;
  /** Batch of a training step. */
  readonly batch: number;
  readonly prompt: string;
  readonly steps: number;
  readonly guidance: number;
  /** Megabytes of the network's weights in f32. */
  readonly megabytes: number;
}

const emblem = fileURLToPath(new URL("../../models/emblem", import.meta.url));
const folder = join(benchFolder, "all");

const vaeConfigs = {
  sd15: [128, 256, 512, 512],
  tiny: [32, 32, 32, 32],
} as const;
const textConfigs = {
  sd15: {
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_attention_heads: 12,
  },
  tiny: { hidden_size: 64, intermediate_size: 128, num_hidden_layers: 2, num_attention_heads: 4 },
} as const;

/** Stable Diffusion 1.5 of random numbers, whole: its UNet is the one that the other benchmarks have. */
async function wholeModel(size: UnetSize): Promise<string> {
  const unet = await randomModel(`unet-${size}`, () => ({
    pipeline: "StableDiffusionPipeline",
    networks: { unet: unetOf(size) },
    dtype: "f32",
    scheduler: pndm,
  }));
  const up = "UpDecoderBlock2D";
  const down = "DownEncoderBlock2D";
  const vae = parseVaeConfig({
    _class_name: "AutoencoderKL",
    block_out_channels: vaeConfigs[size],
    layers_per_block: 2,
    down_block_types: [down, down, down, down],
    up_block_types: [up, up, up, up],
  });
  const whole = await randomModel(size, () => ({
    pipeline: "StableDiffusionPipeline",
    networks: {
      vae: place(new AutoencoderKL(vae), "vae"),
      text_encoder: place(
        new CLIPTextModel(parseClipTextConfig(textConfigs[size])),
        "text_encoder",
      ),
    },
    dtype: "f32",
    scheduler: pndm,
    settings: { unet: ["diffusers", "UNet2DConditionModel"] },
  }));
  if (!existsSync(join(whole, "unet"))) await symlink(join(unet, "unet"), join(whole, "unet"));
  return whole;
}

type Plan = Omit<
  Work,
  "given" | "expected" | "exported" | "megabytes" | "steps" | "guidance" | "prompt" | "batch"
> & {
  readonly shapes: Readonly<Record<string, readonly number[]>>;
  readonly batch?: number;
};

const unetShapes = (rows: number, [channels, side, tokens, width]: readonly number[]) => ({
  sample: [rows, channels, side, side],
  timestep: [rows],
  context: [rows, tokens, width],
});

/** Stable Diffusion 1.5's networks, each called alone. */
function largePlans(size: UnetSize, model: string): Plan[] {
  const width = size === "sd15" ? 768 : 64;
  const what = size === "sd15" ? "SD 1.5" : "SD 1.5 in miniature";
  const unet = (rows: number, how: string): Plan => ({
    name: `${size}-unet-${rows}`,
    title: `${what}: UNet, 64×64 latents, ${how}`,
    kind: "unet",
    model,
    shapes: unetShapes(rows, [4, 64, 77, width]),
  });
  return [
    {
      name: `${size}-text`,
      title: `${what}: text encoder, one prompt of 77 tokens`,
      kind: "text",
      model,
      shapes: { ids: [1, 77] },
    },
    unet(1, "one row"),
    unet(2, "both halves of guidance in one batch"),
    {
      name: `${size}-decode`,
      title: `${what}: decoder, 64×64 latents to 512×512`,
      kind: "vae",
      model,
      shapes: { latents: [1, 4, 64, 64] },
    },
  ];
}

const emblemPlans: readonly Plan[] = [
  {
    name: "emblem-unet",
    title: "emblem: UNet, 16×16 latents, both halves of guidance in one batch",
    kind: "unet",
    model: emblem,
    shapes: unetShapes(2, [8, 16, 24, 192]),
  },
  {
    name: "emblem-decode",
    title: "emblem: decoder, 16×16 latents to 128×128",
    kind: "vae",
    model: emblem,
    shapes: { latents: [1, 8, 16, 16] },
  },
  {
    name: "emblem-picture",
    title: "emblem: a whole picture, warm: text, 20 steps with guidance 3, decoder",
    kind: "picture",
    model: emblem,
    shapes: { noise: [1, 8, 16, 16] },
  },
];

const trainPlan = (batch: number): Plan => ({
  name: `train-${batch}`,
  title: `a training step of the emblem's UNet, batch ${batch}: gradients, clipping, AdamW, averaging`,
  kind: "train",
  model: join(folder, `train-${batch}`),
  shapes: {},
  batch,
});

/** The UNet's lies where bench/unet.ts looks for it: it is large. */
const exportPlace = (size: UnetSize, name: string) =>
  name === `${size}-unet` ? join(benchFolder, `unet-${size}`, "export-64") : join(folder, name);

/** The works of one size of Stable Diffusion, by name, in order. */
export async function worksOf(size: UnetSize): Promise<Work[]> {
  await mkdir(folder, { recursive: true });
  const large = largePlans(size, await wholeModel(size));
  return [...large, ...emblemPlans, trainPlan(16), trainPlan(64)].map(({ batch = 1, ...plan }) => {
    const part = `${size}-${plan.kind}`;
    const model = plan.model === emblem ? "emblem" : part;
    const heavy = size === "sd15" && plan.name.startsWith(size);
    const megabytes = { text: 470, unet: 3440, vae: 200, picture: 0, train: 0 }[plan.kind];
    return {
      ...plan,
      given: join(folder, `${plan.name}.given.safetensors`),
      expected: join(folder, `${plan.name}.expected.safetensors`),
      exported: exportPlace(size, model === "emblem" ? `emblem-${plan.kind}` : part),
      batch,
      prompt: "a red apple",
      steps: 20,
      guidance: 3,
      megabytes: heavy ? megabytes : 60,
    };
  });
}

/** Writes a work's inputs and its description; resolves to the description's path. */
export async function writeWork(work: Work): Promise<string> {
  const { shapes } = work as Work & Pick<Plan, "shapes">;
  if (work.kind === "train") await writeTrainFolder(work.model, work.batch);
  const random = keyedRandom(0, 0, 0);
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const { data } = random.normal([...shape]);
    if (name === "timestep") data.fill(500);
    // Both halves of guidance have the same latents.
    if (name === "sample") data.set(data.map((_, i) => data[i % (data.length / shape[0])]));
    if (name === "ids") data.set(data.map((_, i) => (i === 0 ? 49406 : i < 8 ? 320 + i : 49407)));
    return { name, dtype: "f32" as const, shape, data };
  });
  if (entries.length > 0) await writeSafetensors(work.given, entries);
  const file = join(folder, `${work.name}.json`);
  await writeFile(file, JSON.stringify({ ...work, shapes }));
  return file;
}

/** A description that `writeWork` wrote. */
export async function readWork(file: string): Promise<Work> {
  return JSON.parse(await readFile(file, "utf8")) as Work;
}
