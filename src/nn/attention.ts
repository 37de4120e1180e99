/** @file Attention over tokens and over the positions of a picture: diffusers' `Attention`, by its two uses. */
import { attention, tileRows, type Tensor } from "../tensor/index.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { GroupNorm, type GroupNormOptions } from "./norm.ts";

/** Multi-head attention of tokens to a context, or to themselves: Vaswani et al. 2017. */
export class Attention extends Module {
  readonly toQ: Linear;
  readonly toK: Linear;
  readonly toV: Linear;
  readonly toOut: readonly [Linear];
  readonly #heads: number;

  constructor(
    width: number,
    options: { heads: number; contextWidth?: number; bias?: "all" | "out" },
  ) {
    super();
    const { heads, contextWidth = width, bias = "out" } = options;
    this.toQ = new Linear(width, width, { bias: bias === "all" });
    this.toK = new Linear(contextWidth, width, { bias: bias === "all" });
    this.toV = new Linear(contextWidth, width, { bias: bias === "all" });
    this.toOut = [new Linear(width, width)];
    this.#heads = heads;
  }

  // x [B,S,width], context [R,L,contextWidth] → [R,S,width]
  forward(x: Tensor, context: Tensor = x): Tensor {
    const [k, v] = [this.toK.call(context), this.toV.call(context)];
    const q = tileRows(this.toQ.call(x), context.shape[0]);
    return this.toOut[0].call(attention(q, k, v, { heads: this.#heads }));
  }
}

/** Self-attention of the positions of a picture, normalised before and added to it after. */
export class SpatialAttention extends Module {
  readonly groupNorm: GroupNorm | null;
  readonly toQ: Linear;
  readonly toK: Linear;
  readonly toV: Linear;
  readonly toOut: readonly [Linear];
  readonly #heads: number;
  readonly #outputScale: number;

  constructor(
    channels: number,
    options: { heads: number; norm: GroupNormOptions | null; outputScale: number },
  ) {
    super();
    this.groupNorm = options.norm && new GroupNorm(channels, options.norm);
    this.toQ = new Linear(channels, channels);
    this.toK = new Linear(channels, channels);
    this.toV = new Linear(channels, channels);
    this.toOut = [new Linear(channels, channels)];
    this.#heads = options.heads;
    this.#outputScale = options.outputScale;
  }

  // x [B,C,H,W] → [B,C,H,W]
  forward(x: Tensor): Tensor {
    const tokens = tokensOf(this.groupNorm?.call(x) ?? x);
    const [q, k, v] = [this.toQ.call(tokens), this.toK.call(tokens), this.toV.call(tokens)];
    const mixed = this.toOut[0].call(attention(q, k, v, { heads: this.#heads }));
    const sum = pictureOf(mixed, x).add(x);
    return this.#outputScale === 1 ? sum : sum.div(this.#outputScale);
  }
}

/** The positions of a picture as tokens: [B,C,H,W] → [B,H·W,C]. */
export function tokensOf(x: Tensor): Tensor {
  return x.transpose(0, 2, 3, 1).reshape(x.shape[0], -1, x.shape[1]);
}

/** Tokens back as a picture of the height and width of `like`: [B,H·W,C] → [B,C,H,W]. */
export function pictureOf(tokens: Tensor, like: Tensor): Tensor {
  const [, , height, width] = like.shape as [number, number, number, number];
  return tokens.reshape(tokens.shape[0], height, width, -1).transpose(0, 3, 1, 2);
}
