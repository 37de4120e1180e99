/** @file The autoencoder's way down. */
import {
  Conv2d,
  conv3x3,
  GroupNorm,
  Module,
  SpatialAttention,
  type ResnetBlockOptions,
} from "../../nn/index.ts";
import { silu, type Tensor } from "../../tensor/index.ts";
import { DownBlock, MidBlock } from "../blocks.ts";
import type { VaeConfig } from "./config.ts";

/** Residual blocks of an autoencoder: no time, eps 1e-6. */
export function vaeResnet({ groups }: VaeConfig): ResnetBlockOptions {
  const norm = { groups, eps: 1e-6 };
  return { norm, timeWidth: null, timeScaleShift: "default", outputScale: 1 };
}

/** The middle of encoder and decoder: two residual blocks, between them attention with one head. */
export function vaeMidBlock(config: VaeConfig): MidBlock {
  const resnet = vaeResnet(config);
  const options = { heads: 1, norm: resnet.norm, outputScale: 1 };
  return new MidBlock(config.channels[config.channels.length - 1], {
    resnet,
    mixer: config.midAttention ? (channels) => new SpatialAttention(channels, options) : null,
  });
}

/** Picture [B,3,H,W] → moments [B,2C,H/f,W/f], f = 2^(levels − 1). */
export class Encoder extends Module {
  readonly convIn: Conv2d;
  readonly downBlocks: readonly DownBlock[];
  readonly midBlock: MidBlock;
  readonly convNormOut: GroupNorm;
  readonly convOut: Conv2d;

  constructor(config: VaeConfig) {
    super();
    const { channels, layers } = config;
    const deepest = channels[channels.length - 1];
    const resnet = vaeResnet(config);
    this.convIn = conv3x3(config.inChannels, channels[0]);
    this.downBlocks = channels.map((outer, i) => {
      const downsample = i === channels.length - 1 ? null : 0;
      const options = { layers, resnet, mixer: null, downsample };
      return new DownBlock(channels[Math.max(i - 1, 0)], outer, options);
    });
    this.midBlock = vaeMidBlock(config);
    this.convNormOut = new GroupNorm(deepest, resnet.norm);
    this.convOut = conv3x3(deepest, 2 * config.latentChannels);
  }

  forward(picture: Tensor): Tensor {
    let x = this.convIn.call(picture);
    for (const block of this.downBlocks) ({ x } = block.call(x, null, null));
    x = this.midBlock.call(x);
    return this.convOut.call(silu(this.convNormOut.call(x)));
  }
}
