/** @file What an image autoencoder is made of, from and to diffusers' `AutoencoderKL` config. */
import { ConfigReader, limits, refuse, type Report } from "../config-reader.ts";
import { harmlessFields } from "../harmless.ts";

/** A complete description of an image autoencoder; channels run from the finest level to the deepest. */
export interface VaeConfig {
  readonly inChannels: number;
  readonly outChannels: number;
  readonly latentChannels: number;
  readonly channels: readonly number[];
  /** Residual blocks of a level of the encoder; the decoder has one more. */
  readonly layers: number;
  readonly groups: number;
  readonly midAttention: boolean;
  readonly quantConv: boolean;
  readonly postQuantConv: boolean;
  /** Latents that diffusion sees are (z − shift) · scaling. */
  readonly scalingFactor: number;
  readonly shiftFactor: number;
}

/** Fields of which limn supports one meaning. */
const fixedFields = { act_fn: ["silu", "swish"], latents_mean: [null], latents_std: [null] };

/** Checks and completes the JSON of an `AutoencoderKL`; throws a WeightError naming the field at fault or unknown. */
export function parseVaeConfig(json: unknown, report: Report = refuse): VaeConfig {
  const read = new ConfigReader(json, "vae");
  read.className("AutoencoderKL");
  read.fixed(fixedFields);
  const channels = read.counts("block_out_channels", [64]);
  const encoder = read.listOf("down_block_types", ["DownEncoderBlock2D"], ["DownEncoderBlock2D"]);
  const decoder = read.listOf("up_block_types", ["UpDecoderBlock2D"], ["UpDecoderBlock2D"]);
  if (encoder.length !== channels.length || decoder.length !== channels.length)
    read.fail(
      `block_out_channels has ${channels.length} levels, but there are ${encoder.length} down and ${decoder.length} up blocks`,
    );
  const config: VaeConfig = {
    inChannels: read.count("in_channels", 3),
    outChannels: read.count("out_channels", 3),
    latentChannels: read.count("latent_channels", 4),
    channels,
    layers: read.count("layers_per_block", 1, { max: limits.layers }),
    groups: read.count("norm_num_groups", 32),
    midAttention: read.flag("mid_block_add_attention", true),
    quantConv: read.flag("use_quant_conv", true),
    postQuantConv: read.flag("use_post_quant_conv", true),
    scalingFactor: read.number("scaling_factor", 0.18215, { min: 1e-9 }),
    shiftFactor: read.number("shift_factor", 0),
  };
  for (const width of channels) read.divides("norm_num_groups", config.groups, width);
  read.checkSize(
    channels.map((width) => ({ channels: width, residual: 2 * config.layers + 1, transformer: 0 })),
  );
  read.finish(harmlessFields, report);
  return config;
}

/** The JSON that diffusers reads as this autoencoder. */
export function printVaeConfig(config: VaeConfig): Record<string, unknown> {
  return {
    _class_name: "AutoencoderKL",
    act_fn: "silu",
    block_out_channels: config.channels,
    down_block_types: config.channels.map(() => "DownEncoderBlock2D"),
    in_channels: config.inChannels,
    latent_channels: config.latentChannels,
    layers_per_block: config.layers,
    mid_block_add_attention: config.midAttention,
    norm_num_groups: config.groups,
    out_channels: config.outChannels,
    scaling_factor: config.scalingFactor,
    shift_factor: config.shiftFactor === 0 ? null : config.shiftFactor,
    up_block_types: config.channels.map(() => "UpDecoderBlock2D"),
    use_post_quant_conv: config.postQuantConv,
    use_quant_conv: config.quantConv,
  };
}
