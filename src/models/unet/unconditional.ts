/** @file The UNet of DDPM, which knows no text: diffusers' `UNet2DModel` (Ho et al. 2020). */
import { ShapeError } from "../../base/index.ts";
import {
  Conv2d,
  conv3x3,
  Embedding,
  GroupNorm,
  Module,
  SpatialAttention,
  TimestepEmbedding,
  timestepEmbedding,
} from "../../nn/index.ts";
import { silu, type Tensor } from "../../tensor/index.ts";
import { MidBlock, type DownBlock, type MakeMixer, type UpBlock } from "../blocks.ts";
import { downBlocksOf, runBackbone, upBlocksOf } from "./backbone.ts";
import type { UnconditionalUnetConfig } from "./unconditional-config.ts";

/** Predicts the noise (or x₀) in a picture from a time step. */
export class UNet2DModel extends Module {
  readonly config: UnconditionalUnetConfig;
  readonly convIn: Conv2d;
  readonly timeEmbedding: TimestepEmbedding;
  readonly classEmbedding: Embedding | null;
  readonly downBlocks: readonly DownBlock[];
  readonly midBlock: MidBlock;
  readonly upBlocks: readonly UpBlock[];
  readonly convNormOut: GroupNorm;
  readonly convOut: Conv2d;

  constructor(config: UnconditionalUnetConfig) {
    super();
    const { levels, layers, midScale, timeWidth, timeScaleShift, classes, groups, eps } = config;
    const [first, deepest] = [levels[0].channels, levels[levels.length - 1].channels];
    const resnet = { norm: { groups, eps }, timeWidth, timeScaleShift, outputScale: 1 };
    const mixer = attention(config, { groups, outputScale: 1 });
    const plans = levels.map(({ channels, down, up }) => ({
      channels,
      layers,
      downMixer: down === "AttnDownBlock2D" ? mixer : null,
      upMixer: up === "AttnUpBlock2D" ? mixer : null,
    }));
    const midGroups = config.midAttentionGroups ?? (timeScaleShift === "default" ? groups : null);
    this.config = config;
    this.convIn = conv3x3(config.inChannels, first);
    this.timeEmbedding = new TimestepEmbedding(first, timeWidth);
    this.classEmbedding = classes === null ? null : new Embedding(classes, timeWidth);
    this.downBlocks = downBlocksOf(plans, { resnet, padding: config.downsamplePadding });
    this.midBlock = new MidBlock(deepest, {
      resnet: { ...resnet, outputScale: midScale },
      mixer: config.midAttention
        ? attention(config, { groups: midGroups, outputScale: midScale })
        : null,
    });
    this.upBlocks = upBlocksOf(plans, resnet);
    this.convNormOut = new GroupNorm(first, { groups, eps });
    this.convOut = conv3x3(first, config.outChannels);
  }

  // sample [B,Cin,H,W], timestep f32 [B], classLabels i64 [B] → [B,Cout,H,W]
  forward(sample: Tensor, timestep: Tensor, classLabels: Tensor | null = null): Tensor {
    const { levels, sinusoid, centerInput } = this.config;
    let time = this.timeEmbedding.call(timestepEmbedding(timestep, levels[0].channels, sinusoid));
    if (this.classEmbedding) time = time.add(this.classEmbedding.call(required(classLabels)));
    let x = this.convIn.call(centerInput ? sample.mul(2).sub(1) : sample);
    x = runBackbone(this, x, { time, context: null });
    return this.convOut.call(silu(this.convNormOut.call(x)));
  }
}

function required(classLabels: Tensor | null): Tensor {
  if (!classLabels) throw new ShapeError("this UNet needs classLabels beside the time step");
  return classLabels;
}

function attention(
  { headWidth, eps }: UnconditionalUnetConfig,
  { groups, outputScale }: { groups: number | null; outputScale: number },
): MakeMixer {
  const norm = groups === null ? null : { groups, eps };
  return (channels) =>
    new SpatialAttention(channels, {
      heads: channels / (headWidth ?? channels),
      norm,
      outputScale,
    });
}
