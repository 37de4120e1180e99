/** @file What an unconditional UNet is made of, from and to diffusers' `UNet2DModel` config. */
import type { SinusoidOptions, TimeScaleShift } from "../../nn/index.ts";
import { ConfigReader, limits, refuse, type Report } from "../config-reader.ts";
import { harmlessFields } from "../harmless.ts";
import { readSinusoid } from "./config.ts";

/** One resolution of the UNet, with or without attention between positions. */
export interface UnconditionalLevel {
  readonly channels: number;
  readonly down: (typeof downBlocks)[number];
  readonly up: (typeof upBlocks)[number];
}

/** A complete description of an unconditional UNet; levels run from the finest to the deepest. */
export interface UnconditionalUnetConfig {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Height and width of the latents or pictures that it was trained on, where the file says. */
  readonly sampleSize: readonly [number, number] | null;
  readonly levels: readonly UnconditionalLevel[];
  readonly layers: number;
  /** Channels per attention head; null means one head over all channels. */
  readonly headWidth: number | null;
  readonly midAttention: boolean;
  readonly midScale: number;
  readonly groups: number;
  /** Groups of the norm before the middle attention; null: as elsewhere, or no norm under scale_shift. */
  readonly midAttentionGroups: number | null;
  readonly eps: number;
  readonly sinusoid: SinusoidOptions;
  readonly timeWidth: number;
  readonly timeScaleShift: TimeScaleShift;
  readonly downsamplePadding: number;
  readonly centerInput: boolean;
  readonly classes: number | null;
}

const downBlocks = ["DownBlock2D", "AttnDownBlock2D"] as const;
const upBlocks = ["UpBlock2D", "AttnUpBlock2D"] as const;
const [plainDown, attnDown] = downBlocks;
const [plainUp, attnUp] = upBlocks;

/** Fields of which limn supports one meaning. */
const fixedFields = {
  act_fn: ["silu", "swish"],
  class_embed_type: [null],
  downsample_type: ["conv"],
  mid_block_type: ["UNetMidBlock2D"],
  time_embedding_type: ["positional"],
  upsample_type: ["conv"],
};

/** Checks and completes the JSON of a `UNet2DModel`; throws a WeightError naming the field at fault or unknown. */
export function parseUnconditionalUnetConfig(
  json: unknown,
  report: Report = refuse,
): UnconditionalUnetConfig {
  const read = new ConfigReader(json, "unet");
  read.className("UNet2DModel");
  read.fixed(fixedFields);
  const levels = readLevels(read);
  const config: UnconditionalUnetConfig = {
    inChannels: read.count("in_channels", 3),
    outChannels: read.count("out_channels", 3),
    sampleSize: read.sizeOrNull("sample_size"),
    levels,
    layers: read.count("layers_per_block", 2, { max: limits.layers }),
    headWidth: read.raw("attention_head_dim") === null ? null : read.count("attention_head_dim", 8),
    midAttention: read.flag("add_attention", true),
    midScale: read.number("mid_block_scale_factor", 1, { min: 1e-6 }),
    groups: read.count("norm_num_groups", 32),
    midAttentionGroups: read.countOrNull("attn_norm_num_groups"),
    eps: read.number("norm_eps", 1e-5, { min: 0, max: 1 }),
    sinusoid: readSinusoid(read),
    timeWidth: read.countOrNull("time_embedding_dim") ?? 4 * levels[0].channels,
    timeScaleShift: read.oneOf("resnet_time_scale_shift", ["default", "scale_shift"], "default"),
    downsamplePadding: read.count("downsample_padding", 1, { min: 0, max: 1 }),
    centerInput: read.flag("center_input_sample", false),
    classes: read.countOrNull("num_class_embeds"),
  };
  checkDivisors(read, config);
  read.checkSize(
    levels.map(({ channels }) => ({ channels, residual: 2 * config.layers + 1, transformer: 0 })),
  );
  read.finish(harmlessFields, report);
  return config;
}

/** Heads matter only where there is attention. */
function checkDivisors(read: ConfigReader, config: UnconditionalUnetConfig): void {
  const { levels, groups, headWidth, midAttention, midAttentionGroups } = config;
  levels.forEach(({ channels, down, up }, i) => {
    read.divides("norm_num_groups", groups, channels);
    const mid = midAttention && i === levels.length - 1;
    if (mid || down === attnDown || up === attnUp)
      read.divides("attention_head_dim", headWidth ?? channels, channels);
    if (mid) read.divides("attn_norm_num_groups", midAttentionGroups ?? 1, channels);
  });
}

function readLevels(read: ConfigReader): readonly UnconditionalLevel[] {
  const channels = read.counts("block_out_channels", [224, 448, 672, 896]);
  const n = channels.length;
  const down = read.listOf("down_block_types", downBlocks, [
    plainDown,
    attnDown,
    attnDown,
    attnDown,
  ]);
  const up = read.listOf("up_block_types", upBlocks, [attnUp, attnUp, attnUp, plainUp]);
  if (down.length !== n || up.length !== n)
    read.fail(
      `block_out_channels has ${n} levels, but there are ${down.length} down and ${up.length} up blocks`,
    );
  return channels.map((width, i) => ({ channels: width, down: down[i], up: up[n - 1 - i] }));
}

/** The JSON that diffusers reads as this UNet. */
export function printUnconditionalUnetConfig(
  config: UnconditionalUnetConfig,
): Record<string, unknown> {
  const { levels } = config;
  return {
    _class_name: "UNet2DModel",
    act_fn: "silu",
    add_attention: config.midAttention,
    attention_head_dim: config.headWidth,
    attn_norm_num_groups: config.midAttentionGroups,
    block_out_channels: levels.map((l) => l.channels),
    center_input_sample: config.centerInput,
    down_block_types: levels.map((l) => l.down),
    downsample_padding: config.downsamplePadding,
    flip_sin_to_cos: config.sinusoid.order === "cos-sin",
    freq_shift: config.sinusoid.shift,
    in_channels: config.inChannels,
    layers_per_block: config.layers,
    mid_block_scale_factor: config.midScale,
    norm_eps: config.eps,
    norm_num_groups: config.groups,
    num_class_embeds: config.classes,
    out_channels: config.outChannels,
    resnet_time_scale_shift: config.timeScaleShift,
    sample_size: config.sampleSize,
    time_embedding_dim: config.timeWidth === 4 * levels[0].channels ? null : config.timeWidth,
    up_block_types: levels.map((l) => l.up).reverse(),
  };
}
