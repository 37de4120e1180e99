/** @file What a text-conditioned UNet is made of, from and to diffusers' `UNet2DConditionModel` config. */
import type { SinusoidOptions, TimeScaleShift } from "../../nn/index.ts";
import { ConfigReader, limits, refuse, type Report } from "../config-reader.ts";
import { harmlessFields } from "../harmless.ts";

/** One resolution of the UNet: its block on the way down and its block on the way up. */
export interface UnetLevel {
  readonly channels: number;
  readonly down: (typeof downBlocks)[number];
  readonly up: (typeof upBlocks)[number];
  /** Residual blocks on the way down; the way up has one more. */
  readonly layers: number;
  readonly heads: number;
  readonly transformerLayers: number;
  readonly contextWidth: number;
  readonly firstAttention: "self" | "context";
}

/** What beside the time step enters the time embedding: the pooled text, or SDXL's pooled text and sizes. */
export type Addition =
  | { readonly kind: "text"; readonly heads: number }
  | { readonly kind: "text_time"; readonly timeIdWidth: number; readonly inputWidth: number };

/** A complete description of a text-conditioned UNet; levels run from the finest to the deepest. */
export interface UnetConfig {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Height and width of the latents or pictures that it was trained on, where the file says. */
  readonly sampleSize: readonly [number, number] | null;
  readonly levels: readonly UnetLevel[];
  readonly midBlock: (typeof midBlocks)[number];
  readonly midScale: number;
  readonly groups: number;
  readonly eps: number;
  readonly sinusoid: SinusoidOptions;
  readonly timeWidth: number;
  readonly timeScaleShift: TimeScaleShift;
  readonly projection: "conv" | "linear";
  readonly downsamplePadding: number;
  readonly kernelIn: number;
  readonly kernelOut: number;
  /** Whether x enters as 2x − 1. */
  readonly centerInput: boolean;
  /** Rows of the table of class embeddings, null where there is none. */
  readonly classes: number | null;
  readonly addition: Addition | null;
}

const downBlocks = ["DownBlock2D", "CrossAttnDownBlock2D"] as const;
const upBlocks = ["UpBlock2D", "CrossAttnUpBlock2D"] as const;
const midBlocks = ["UNetMidBlock2DCrossAttn", null] as const;
const [plainDown, crossDown] = downBlocks;
const [plainUp, crossUp] = upBlocks;

/** Fields of which limn supports one meaning. */
const fixedFields = {
  act_fn: ["silu", "swish"],
  attention_type: ["default"],
  class_embed_type: [null],
  class_embeddings_concat: [false],
  cross_attention_norm: [null],
  dual_cross_attention: [false],
  encoder_hid_dim: [null],
  encoder_hid_dim_type: [null],
  num_attention_heads: [null],
  resnet_out_scale_factor: [1],
  resnet_skip_time_act: [false],
  reverse_transformer_layers_per_block: [null],
  time_cond_proj_dim: [null],
  time_embedding_act_fn: [null],
  time_embedding_type: ["positional"],
  timestep_post_act: [null],
};

/** Checks and completes the JSON of a `UNet2DConditionModel`; throws a WeightError naming the field at fault or unknown. */
export function parseUnetConfig(json: unknown, report: Report = refuse): UnetConfig {
  const read = new ConfigReader(json, "unet");
  read.className("UNet2DConditionModel");
  read.fixed(fixedFields);
  const levels = readLevels(read);
  const config: UnetConfig = {
    inChannels: read.count("in_channels", 4),
    outChannels: read.count("out_channels", 4),
    sampleSize: readSampleSize(read),
    levels,
    midBlock: read.oneOf("mid_block_type", midBlocks, "UNetMidBlock2DCrossAttn"),
    midScale: read.number("mid_block_scale_factor", 1, { min: 1e-6 }),
    groups: read.count("norm_num_groups", 32),
    eps: read.number("norm_eps", 1e-5, { min: 0, max: 1 }),
    sinusoid: readSinusoid(read),
    timeWidth: read.countOrNull("time_embedding_dim") ?? 4 * levels[0].channels,
    timeScaleShift: read.oneOf("resnet_time_scale_shift", ["default", "scale_shift"], "default"),
    projection: read.flag("use_linear_projection", false) ? "linear" : "conv",
    downsamplePadding: read.count("downsample_padding", 1, { min: 0, max: 1 }),
    kernelIn: read.count("conv_in_kernel", 3, { max: 31 }),
    kernelOut: read.count("conv_out_kernel", 3, { max: 31 }),
    centerInput: read.flag("center_input_sample", false),
    classes: read.countOrNull("num_class_embeds"),
    addition: readAddition(read),
  };
  checkDivisors(read, config);
  read.checkSize(
    levels.map(({ channels, layers, down, up, transformerLayers }) => {
      const mixers = (down === crossDown ? layers : 0) + (up === crossUp ? layers + 1 : 0);
      return { channels, residual: 2 * layers + 1, transformer: mixers * transformerLayers };
    }),
  );
  read.finish(harmlessFields, report);
  return config;
}

function readLevels(read: ConfigReader): readonly UnetLevel[] {
  const channels = read.counts("block_out_channels", [320, 640, 1280, 1280]);
  const n = channels.length;
  const down = read.listOf("down_block_types", downBlocks, [
    crossDown,
    crossDown,
    crossDown,
    plainDown,
  ]);
  const up = read.listOf("up_block_types", upBlocks, [plainUp, crossUp, crossUp, crossUp]);
  if (down.length !== n || up.length !== n)
    read.fail(
      `block_out_channels has ${n} levels, but there are ${down.length} down and ${up.length} up blocks`,
    );
  const layers = read.perLevel("layers_per_block", 2, n, { max: limits.layers });
  const heads = read.perLevel("attention_head_dim", 8, n);
  const depths = read.perLevel("transformer_layers_per_block", 1, n, { max: limits.layers });
  const contexts = read.perLevel("cross_attention_dim", 1280, n);
  const onlyCross = read.flagPerLevel("only_cross_attention", false, n);
  return channels.map((width, i) => ({
    channels: width,
    down: down[i],
    up: up[n - 1 - i],
    layers: layers[i],
    heads: heads[i],
    transformerLayers: depths[i],
    contextWidth: contexts[i],
    firstAttention: onlyCross[i] ? "context" : "self",
  }));
}

/** Files of diffusers before 0.9 say 32 where 64 is meant. */
function readSampleSize(read: ConfigReader): readonly [number, number] | null {
  const size = read.sizeOrNull("sample_size");
  const version = read.raw("_diffusers_version");
  const old = typeof version === "string" && /^0\.[0-8](\.|$)/.test(version);
  return size && old && Math.min(...size) < 64 ? [64, 64] : size;
}

/** Order and shift of the sinusoids, as both kinds of UNet spell them. */
export function readSinusoid(read: ConfigReader): SinusoidOptions {
  const order = read.flag("flip_sin_to_cos", true) ? "cos-sin" : "sin-cos";
  return { order, shift: read.number("freq_shift", 0, { min: 0, max: 1 }) };
}

function readAddition(read: ConfigReader): Addition | null {
  const kind = read.oneOf("addition_embed_type", [null, "text", "text_time"], null);
  const heads = read.count("addition_embed_type_num_heads", 64);
  const timeIdWidth = read.countOrNull("addition_time_embed_dim");
  const inputWidth = read.countOrNull("projection_class_embeddings_input_dim");
  if (kind === "text") return { kind, heads };
  if (kind === null) return null;
  if (timeIdWidth === null || inputWidth === null)
    read.fail(
      "addition_embed_type text_time needs addition_time_embed_dim and projection_class_embeddings_input_dim",
    );
  return { kind, timeIdWidth, inputWidth };
}

function checkDivisors(
  read: ConfigReader,
  { levels, groups, addition, midBlock }: UnetConfig,
): void {
  levels.forEach(({ channels, heads, down, up }, i) => {
    read.divides("norm_num_groups", groups, channels);
    const mid = midBlock !== null && i === levels.length - 1;
    if (mid || down === crossDown || up === crossUp)
      read.divides("attention_head_dim (the number of heads)", heads, channels);
  });
  if (addition?.kind === "text")
    read.divides("addition_embed_type_num_heads", addition.heads, levels[0].contextWidth);
}

/** One entry for all levels where they agree, as most files have it. */
function compact<T>(perLevel: readonly T[]): T | readonly T[] {
  return perLevel.every((entry) => entry === perLevel[0]) ? perLevel[0] : perLevel;
}

/** The JSON that diffusers reads as this UNet. */
export function printUnetConfig(config: UnetConfig): Record<string, unknown> {
  const { levels, addition } = config;
  const textTime = addition?.kind === "text_time" ? addition : null;
  return {
    _class_name: "UNet2DConditionModel",
    act_fn: "silu",
    addition_embed_type: addition?.kind ?? null,
    addition_embed_type_num_heads: addition?.kind === "text" ? addition.heads : 64,
    addition_time_embed_dim: textTime?.timeIdWidth ?? null,
    attention_head_dim: compact(levels.map((l) => l.heads)),
    block_out_channels: levels.map((l) => l.channels),
    center_input_sample: config.centerInput,
    conv_in_kernel: config.kernelIn,
    conv_out_kernel: config.kernelOut,
    cross_attention_dim: compact(levels.map((l) => l.contextWidth)),
    down_block_types: levels.map((l) => l.down),
    downsample_padding: config.downsamplePadding,
    flip_sin_to_cos: config.sinusoid.order === "cos-sin",
    freq_shift: config.sinusoid.shift,
    in_channels: config.inChannels,
    layers_per_block: compact(levels.map((l) => l.layers)),
    mid_block_scale_factor: config.midScale,
    mid_block_type: config.midBlock,
    norm_eps: config.eps,
    norm_num_groups: config.groups,
    num_class_embeds: config.classes,
    only_cross_attention: compact(levels.map((l) => l.firstAttention === "context")),
    out_channels: config.outChannels,
    projection_class_embeddings_input_dim: textTime?.inputWidth ?? null,
    resnet_time_scale_shift: config.timeScaleShift,
    sample_size: config.sampleSize,
    time_embedding_dim: config.timeWidth === 4 * levels[0].channels ? null : config.timeWidth,
    transformer_layers_per_block: compact(levels.map((l) => l.transformerLayers)),
    up_block_types: levels.map((l) => l.up).reverse(),
    use_linear_projection: config.projection === "linear",
  };
}
