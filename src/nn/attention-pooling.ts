/** @file Text as one vector, pooled by attention: diffusers' `TextTimeEmbedding` and `AttentionPooling` (GLIDE, DeepFloyd IF). */
import { attention, concat, parameter, type Parameter, type Tensor } from "../tensor/index.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";
import { LayerNorm } from "./norm.ts";

/** A token made of the mean of all attends to itself and all: [B,L,W] → [B,W]. */
export class AttentionPooling extends Module {
  readonly positionalEmbedding: Parameter;
  readonly kProj: Linear;
  readonly qProj: Linear;
  readonly vProj: Linear;
  readonly #heads: number;

  constructor(width: number, { heads }: { heads: number }) {
    super();
    this.positionalEmbedding = parameter([1, width], { kind: "normal", std: width ** -0.5 });
    this.kProj = new Linear(width, width);
    this.qProj = new Linear(width, width);
    this.vProj = new Linear(width, width);
    this.#heads = heads;
  }

  forward(x: Tensor): Tensor {
    const query = x.mean([1], { keepdims: true }).add(this.positionalEmbedding); // [B,1,W]
    const all = concat([query, x], 1);
    const [q, k, v] = [this.qProj.call(query), this.kProj.call(all), this.vProj.call(all)];
    return attention(q, k, v, { heads: this.#heads }).squeeze(1);
  }
}

/** Text [B,L,W] → a vector [B,T] that is added to the time embedding. */
export class TextTimeEmbedding extends Module {
  readonly norm1: LayerNorm;
  readonly pool: AttentionPooling;
  readonly proj: Linear;
  readonly norm2: LayerNorm;

  constructor(textWidth: number, timeWidth: number, { heads }: { heads: number }) {
    super();
    this.norm1 = new LayerNorm(textWidth);
    this.pool = new AttentionPooling(textWidth, { heads });
    this.proj = new Linear(textWidth, timeWidth);
    this.norm2 = new LayerNorm(timeWidth);
  }

  forward(text: Tensor): Tensor {
    return this.norm2.call(this.proj.call(this.pool.call(this.norm1.call(text))));
  }
}
