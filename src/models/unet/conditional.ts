/** @file The text-conditioned UNet of Stable Diffusion 1, 2 and XL: diffusers' `UNet2DConditionModel`. */
import { assert, ShapeError } from "../../base/index.ts";
import {
  Conv2d,
  Embedding,
  GroupNorm,
  Module,
  TextTimeEmbedding,
  TimestepEmbedding,
  timestepEmbedding,
  Transformer2DModel,
} from "../../nn/index.ts";
import { concat, silu, tileRows, type Tensor } from "../../tensor/index.ts";
import { MidBlock, type DownBlock, type MakeMixer, type UpBlock } from "../blocks.ts";
import { downBlocksOf, runBackbone, upBlocksOf } from "./backbone.ts";
import type { UnetConfig, UnetLevel } from "./config.ts";

/** What some UNets are told beside the time step and the text. */
export interface AddedConditions {
  /** SDXL: the pooled text, [B,P]. */
  readonly textEmbeds?: Tensor;
  /** SDXL: sizes and crops (and the refiner's aesthetic score), f32 [B,6] or [B,5]. */
  readonly timeIds?: Tensor;
  /** Upscaler: the noise level of the low-resolution picture, i64 [B]. */
  readonly classLabels?: Tensor;
}

/** Predicts the noise (or v, or x₀) in latents from a time step and text. */
export class UNet2DConditionModel extends Module {
  readonly config: UnetConfig;
  readonly convIn: Conv2d;
  readonly timeEmbedding: TimestepEmbedding;
  readonly classEmbedding: Embedding | null;
  readonly addEmbedding: TimestepEmbedding | TextTimeEmbedding | null;
  readonly downBlocks: readonly DownBlock[];
  readonly midBlock: MidBlock | null;
  readonly upBlocks: readonly UpBlock[];
  readonly convNormOut: GroupNorm;
  readonly convOut: Conv2d;

  constructor(config: UnetConfig) {
    super();
    const { inChannels, outChannels, kernelIn, kernelOut, timeWidth, classes } = config;
    const [{ channels: first }] = config.levels;
    const deepest = config.levels[config.levels.length - 1];
    const norm = { groups: config.groups, eps: config.eps };
    const resnet = { norm, timeWidth, timeScaleShift: config.timeScaleShift, outputScale: 1 };
    const plans = config.levels.map((level) => ({
      ...level,
      downMixer: level.down === "DownBlock2D" ? null : transformer(config, level),
      upMixer: level.up === "UpBlock2D" ? null : transformer(config, level),
    }));
    this.config = config;
    this.convIn = new Conv2d(inChannels, first, { kernel: kernelIn, padding: (kernelIn - 1) >> 1 });
    this.timeEmbedding = new TimestepEmbedding(first, timeWidth);
    this.classEmbedding = classes === null ? null : new Embedding(classes, timeWidth);
    this.addEmbedding = addEmbedding(config);
    this.downBlocks = downBlocksOf(plans, { resnet, padding: config.downsamplePadding });
    this.midBlock =
      config.midBlock &&
      new MidBlock(deepest.channels, {
        resnet: { ...resnet, outputScale: config.midScale },
        mixer: transformer(config, { ...deepest, firstAttention: "self" }),
      });
    this.upBlocks = upBlocksOf(plans, resnet);
    this.convNormOut = new GroupNorm(first, norm);
    this.convOut = new Conv2d(first, outChannels, {
      kernel: kernelOut,
      padding: (kernelOut - 1) >> 1,
    });
  }

  /**
   * sample [B,Cin,H,W], timestep f32 [B], context [R,L,D], what is added [R,…] → [R,Cout,H,W]. R is B or a multiple of it: latents are given
   * once for several texts (guidance asks for two), and computed once up to where the first text enters.
   */
  forward(sample: Tensor, timestep: Tensor, context: Tensor, added: AddedConditions = {}): Tensor {
    const time = this.embedTime(timestep, context, added); // [B,T], or [R,T] where something is added
    const centred = this.config.centerInput ? sample.mul(2).sub(1) : sample;
    let x = tileRows(this.convIn.call(centred), time.shape[0]);
    x = runBackbone(this, x, { time, context });
    return tileRows(this.convOut.call(silu(this.convNormOut.call(x))), context.shape[0]);
  }

  /** The vector that every residual block reads: time step, class, and what else is added to them. */
  embedTime(timestep: Tensor, context: Tensor, added: AddedConditions): Tensor {
    const { levels, sinusoid } = this.config;
    const waves = timestepEmbedding(timestep, levels[0].channels, sinusoid);
    const parts = [this.timeEmbedding.call(waves)];
    if (this.classEmbedding)
      parts.push(this.classEmbedding.call(given(added.classLabels, "classLabels")));
    if (this.addEmbedding instanceof TextTimeEmbedding) parts.push(this.addEmbedding.call(context));
    else if (this.addEmbedding) parts.push(this.addEmbedding.call(this.#pooledAndSizes(added)));
    const rows = Math.max(...parts.map(({ shape }) => shape[0]));
    return parts.map((part) => tileRows(part, rows)).reduce((sum, part) => sum.add(part));
  }

  /** SDXL: the pooled text beside the sinusoids of each size id. */
  #pooledAndSizes(added: AddedConditions): Tensor {
    const { addition, sinusoid } = this.config;
    assert(addition?.kind === "text_time", "only text_time adds pooled text and sizes");
    const text = given(added.textEmbeds, "textEmbeds");
    const ids = given(added.timeIds, "timeIds");
    const waves = timestepEmbedding(ids.reshape(-1), addition.timeIdWidth, sinusoid);
    return concat([text, waves.reshape(ids.shape[0], -1)], 1);
  }
}

function given(value: Tensor | undefined, name: keyof AddedConditions): Tensor {
  if (!value) throw new ShapeError(`this UNet needs ${name} beside the time step and the text`);
  return value;
}

function addEmbedding({ addition, levels, timeWidth }: UnetConfig) {
  if (addition === null) return null;
  return addition.kind === "text"
    ? new TextTimeEmbedding(levels[0].contextWidth, timeWidth, { heads: addition.heads })
    : new TimestepEmbedding(addition.inputWidth, timeWidth);
}

function transformer({ groups, projection }: UnetConfig, level: UnetLevel): MakeMixer {
  const { heads, contextWidth, firstAttention, transformerLayers: layers } = level;
  const options = { heads, contextWidth, firstAttention, layers, groups, projection };
  return (channels) => new Transformer2DModel(channels, options);
}
