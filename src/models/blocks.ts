/** @file The blocks that UNets and autoencoders are stacked from: down, middle and up, with or without attention. */
import { concat, tileRows, type Tensor } from "../tensor/index.ts";
import {
  Downsample2D,
  Module,
  ResnetBlock2D,
  Upsample2D,
  type ResnetBlockOptions,
  type Size,
} from "../nn/index.ts";

/** What follows a residual block: lets positions of a picture exchange, perhaps with a context (text). */
export type Mixer = Module & { forward(x: Tensor, context: Tensor | null): Tensor };

/** Makes the mixer of a block of so many channels; null makes none. */
export type MakeMixer = ((channels: number) => Mixer) | null;

/** What a down block hands on: its result, and every activation that the way up will see again. */
export interface Descent {
  readonly x: Tensor;
  readonly skips: readonly Tensor[];
}

/** Residual blocks, each followed by its mixer, then half the size: `DownBlock2D` and its kin. */
export class DownBlock extends Module {
  readonly resnets: readonly ResnetBlock2D[];
  readonly attentions: readonly (Mixer | null)[];
  readonly downsamplers: readonly Downsample2D[];

  constructor(
    inner: number,
    outer: number,
    options: {
      readonly layers: number;
      readonly resnet: ResnetBlockOptions;
      readonly mixer: MakeMixer;
      /** Padding of the halving convolution; null keeps the size. */
      readonly downsample: number | null;
    },
  ) {
    super();
    const { layers, resnet, mixer, downsample } = options;
    this.resnets = times(layers, (i) => new ResnetBlock2D(i === 0 ? inner : outer, outer, resnet));
    this.attentions = times(layers, () => mixer && mixer(outer));
    this.downsamplers =
      downsample === null ? [] : [new Downsample2D(outer, { padding: downsample })];
  }

  forward(x: Tensor, time: Tensor | null, context: Tensor | null): Descent {
    const skips: Tensor[] = [];
    for (const [i, resnet] of this.resnets.entries()) {
      x = resnet.call(x, time);
      x = this.attentions[i]?.call(x, context) ?? x;
      skips.push(x);
    }
    for (const half of this.downsamplers) skips.push((x = half.call(x)));
    return { x, skips };
  }
}

/** A residual block, then mixer and residual block in turn: `UNetMidBlock2D` and its kin. */
export class MidBlock extends Module {
  readonly attentions: readonly (Mixer | null)[];
  readonly resnets: readonly ResnetBlock2D[];

  constructor(channels: number, options: { resnet: ResnetBlockOptions; mixer: MakeMixer }) {
    super();
    this.attentions = [options.mixer && options.mixer(channels)];
    this.resnets = times(2, () => new ResnetBlock2D(channels, channels, options.resnet));
  }

  forward(x: Tensor, time: Tensor | null = null, context: Tensor | null = null): Tensor {
    const [first, second] = this.resnets;
    x = first.call(x, time);
    x = this.attentions[0]?.call(x, context) ?? x;
    return second.call(x, time);
  }
}

/** Residual blocks that each see a skip from the way down beside x, mixers, then a larger size: `UpBlock2D` and its kin. */
export class UpBlock extends Module {
  readonly resnets: readonly ResnetBlock2D[];
  readonly attentions: readonly (Mixer | null)[];
  readonly upsamplers: readonly Upsample2D[];

  constructor(
    /** Channels of x, and of each skip in the order of use. */
    inner: { readonly x: number; readonly skips: readonly number[] },
    outer: number,
    options: { resnet: ResnetBlockOptions; mixer: MakeMixer; upsample: "next-skip" | "none" },
  ) {
    super();
    const { resnet, mixer, upsample } = options;
    this.resnets = inner.skips.map(
      (skip, i) => new ResnetBlock2D((i === 0 ? inner.x : outer) + skip, outer, resnet),
    );
    this.attentions = inner.skips.map(() => mixer && mixer(outer));
    this.upsamplers = upsample === "none" ? [] : [new Upsample2D(outer)];
  }

  /** `skips` in the order of use; `size` is that of the skip after these, which the result must meet. */
  forward(
    x: Tensor,
    skips: readonly Tensor[],
    options: { time: Tensor; context: Tensor | null; size: Size | undefined },
  ): Tensor {
    for (const [i, resnet] of this.resnets.entries()) {
      x = resnet.call(concat([x, tileRows(skips[i], x.shape[0])], 1), options.time);
      x = this.attentions[i]?.call(x, options.context) ?? x;
    }
    for (const double of this.upsamplers) x = double.call(x, options.size);
    return x;
  }
}

function times<T>(count: number, make: (i: number) => T): T[] {
  return Array.from({ length: count }, (_, i) => make(i));
}
