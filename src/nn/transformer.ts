/** @file Text enters the picture here: diffusers' `BasicTransformerBlock` and `Transformer2DModel` (Rombach et al. 2022). */
import { tileRows, type Tensor } from "../tensor/index.ts";
import { Attention, pictureOf, tokensOf } from "./attention.ts";
import { Conv2d } from "./conv.ts";
import { FeedForward } from "./feed-forward.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { GroupNorm, LayerNorm } from "./norm.ts";

/** A branch and what it began with, which may have had fewer rows. */
const addRows = (h: Tensor, x: Tensor) => h.add(tileRows(x, h.shape[0]));

/** What the blocks of a transformer attend to. */
export interface TransformerOptions {
  readonly heads: number;
  readonly contextWidth: number;
  /** What the first attention of a block looks at. */
  readonly firstAttention: "self" | "context";
}

/** Attention to itself, attention to the text, feed-forward: each normalised before and added after. */
export class BasicTransformerBlock extends Module {
  readonly norm1: LayerNorm;
  readonly attn1: Attention;
  readonly norm2: LayerNorm;
  readonly attn2: Attention;
  readonly norm3: LayerNorm;
  readonly ff: FeedForward;
  readonly #first: "self" | "context";

  constructor(width: number, { heads, contextWidth, firstAttention }: TransformerOptions) {
    super();
    this.norm1 = new LayerNorm(width);
    const firstWidth = firstAttention === "self" ? width : contextWidth;
    this.attn1 = new Attention(width, { heads, contextWidth: firstWidth });
    this.norm2 = new LayerNorm(width);
    this.attn2 = new Attention(width, { heads, contextWidth });
    this.norm3 = new LayerNorm(width);
    this.ff = new FeedForward(width);
    this.#first = firstAttention;
  }

  // x [B,S,width], context [R,L,contextWidth] → [R,S,width]
  forward(x: Tensor, context: Tensor): Tensor {
    const first = this.norm1.call(x);
    x = addRows(this.attn1.call(first, this.#first === "self" ? first : context), x);
    x = addRows(this.attn2.call(this.norm2.call(x), context), x);
    return this.ff.call(this.norm3.call(x)).add(x);
  }
}

/** Transformer blocks over the positions of a picture, with a projection before and after. */
export class Transformer2DModel extends Module {
  readonly norm: GroupNorm;
  readonly projIn: Conv2d | Linear;
  readonly transformerBlocks: readonly BasicTransformerBlock[];
  readonly projOut: Conv2d | Linear;

  constructor(
    channels: number,
    options: TransformerOptions & {
      readonly layers: number;
      readonly groups: number;
      /** SD 1 projects pictures (1×1 convolution), later models project tokens; the numbers are the same. */
      readonly projection: "conv" | "linear";
    },
  ) {
    super();
    const project = () =>
      options.projection === "conv"
        ? new Conv2d(channels, channels, { kernel: 1 })
        : new Linear(channels, channels);
    this.norm = new GroupNorm(channels, { groups: options.groups, eps: 1e-6 });
    this.projIn = project();
    this.transformerBlocks = Array.from(
      { length: options.layers },
      () => new BasicTransformerBlock(channels, options),
    );
    this.projOut = project();
  }

  // x [B,C,H,W], context [R,L,contextWidth] → [R,C,H,W]
  forward(x: Tensor, context: Tensor): Tensor {
    let h = this.norm.call(x);
    h =
      this.projIn instanceof Linear ? this.projIn.call(tokensOf(h)) : tokensOf(this.projIn.call(h));
    for (const block of this.transformerBlocks) h = block.call(h, context);
    h =
      this.projOut instanceof Linear
        ? pictureOf(this.projOut.call(h), x)
        : this.projOut.call(pictureOf(h, x));
    return addRows(h, x);
  }
}
