/** @file The residual block of every UNet and autoencoder here: diffusers' `ResnetBlock2D`. */
import { silu, tileRows, type Tensor } from "../tensor/index.ts";
import { Conv2d, conv3x3 } from "./conv.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { GroupNorm, type GroupNormOptions } from "./norm.ts";

/** How the time embedding enters: added before the second norm, or as its scale and shift (Dhariwal & Nichol 2021). */
export type TimeScaleShift = "default" | "scale_shift";

/** What a residual block is made of. */
export interface ResnetBlockOptions {
  readonly norm: GroupNormOptions;
  /** Width of the time embedding; null for blocks that know no time. */
  readonly timeWidth: number | null;
  readonly timeScaleShift: TimeScaleShift;
  /** The sum of both branches is divided by this. */
  readonly outputScale: number;
}

/** GroupNorm → SiLU → 3×3 conv, twice, with the time embedding between; x itself is added at the end. */
export class ResnetBlock2D extends Module {
  readonly norm1: GroupNorm;
  readonly conv1: Conv2d;
  readonly timeEmbProj: Linear | null;
  readonly norm2: GroupNorm;
  readonly conv2: Conv2d;
  readonly convShortcut: Conv2d | null;
  readonly #options: ResnetBlockOptions;

  constructor(inner: number, outer: number, options: ResnetBlockOptions) {
    super();
    const { norm, timeWidth, timeScaleShift } = options;
    const timeOuter = timeScaleShift === "scale_shift" ? 2 * outer : outer;
    this.norm1 = new GroupNorm(inner, norm);
    this.conv1 = conv3x3(inner, outer);
    this.timeEmbProj = timeWidth === null ? null : new Linear(timeWidth, timeOuter);
    this.norm2 = new GroupNorm(outer, norm);
    this.conv2 = conv3x3(outer, outer);
    this.convShortcut = inner === outer ? null : new Conv2d(inner, outer, { kernel: 1 });
    this.#options = options;
  }

  // x [B,inner,H,W], time [B or a part of it,T] → [B,outer,H,W]
  forward(x: Tensor, time: Tensor | null = null): Tensor {
    let h = this.conv1.call(silu(this.norm1.call(x)));
    h = this.#normWithTime(h, time && this.timeEmbProj ? this.timeEmbProj.call(silu(time)) : null);
    h = this.conv2.call(silu(h));
    const sum = (this.convShortcut?.call(x) ?? x).add(h);
    return this.#options.outputScale === 1 ? sum : sum.div(this.#options.outputScale);
  }

  #normWithTime(h: Tensor, time: Tensor | null): Tensor {
    if (!time) return this.norm2.call(h);
    const perChannel = tileRows(time, h.shape[0]).reshape(0, -1, 1, 1);
    if (this.#options.timeScaleShift === "default") return this.norm2.call(h.add(perChannel));
    const channels = h.shape[1];
    const [scale, shift] = perChannel.split(1, [channels, channels]);
    return this.norm2.call(h).mul(scale.add(1)).add(shift);
  }
}
