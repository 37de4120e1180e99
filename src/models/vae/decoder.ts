/** @file The autoencoder's way up. */
import {
  Conv2d,
  conv3x3,
  GroupNorm,
  Module,
  ResnetBlock2D,
  Upsample2D,
  type ResnetBlockOptions,
} from "../../nn/index.ts";
import { silu, type Tensor } from "../../tensor/index.ts";
import type { MidBlock } from "../blocks.ts";
import type { VaeConfig } from "./config.ts";
import { vaeMidBlock, vaeResnet } from "./encoder.ts";

/** Residual blocks, then the double size: `UpDecoderBlock2D`. */
class DecoderBlock extends Module {
  readonly resnets: readonly ResnetBlock2D[];
  readonly upsamplers: readonly Upsample2D[];

  constructor(
    inner: number,
    outer: number,
    options: { layers: number; resnet: ResnetBlockOptions; upsample: "double" | "none" },
  ) {
    super();
    const { layers, resnet, upsample } = options;
    this.resnets = Array.from(
      { length: layers },
      (_, i) => new ResnetBlock2D(i === 0 ? inner : outer, outer, resnet),
    );
    this.upsamplers = upsample === "double" ? [new Upsample2D(outer)] : [];
  }

  forward(x: Tensor): Tensor {
    for (const resnet of this.resnets) x = resnet.call(x);
    for (const double of this.upsamplers) x = double.call(x);
    return x;
  }
}

/** Latents [B,C,h,w] → picture [B,3,h·f,w·f]. */
export class Decoder extends Module {
  readonly convIn: Conv2d;
  readonly midBlock: MidBlock;
  readonly upBlocks: readonly DecoderBlock[];
  readonly convNormOut: GroupNorm;
  readonly convOut: Conv2d;

  constructor(config: VaeConfig) {
    super();
    const channels = config.channels.toReversed();
    const finest = config.channels[0];
    const resnet = vaeResnet(config);
    this.convIn = conv3x3(config.latentChannels, channels[0]);
    this.midBlock = vaeMidBlock(config);
    this.upBlocks = channels.map((outer, i) => {
      const upsample = i === channels.length - 1 ? "none" : "double";
      const options = { layers: config.layers + 1, resnet, upsample } as const;
      return new DecoderBlock(channels[Math.max(i - 1, 0)], outer, options);
    });
    this.convNormOut = new GroupNorm(finest, resnet.norm);
    this.convOut = conv3x3(finest, config.outChannels);
  }

  forward(latents: Tensor): Tensor {
    let x = this.midBlock.call(this.convIn.call(latents));
    for (const block of this.upBlocks) x = block.call(x);
    return this.convOut.call(silu(this.convNormOut.call(x)));
  }
}
