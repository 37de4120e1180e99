/** @file One layer of CLIP's text transformer: pre-norm attention and a two-layer network. */
import { LayerNorm, Linear, Module } from "../../nn/index.ts";
import { attention, gelu, type Init, type Tensor } from "../../tensor/index.ts";
import type { ClipTextConfig } from "./config.ts";

/** Standard deviations that CLIP's weights start with: transformers' `CLIPPreTrainedModel`. */
function initsOf({ width, layers, initFactor }: ClipTextConfig): Record<string, Init> {
  const normal = (std: number): Init => ({ kind: "normal", std: std * initFactor });
  const residual = width ** -0.5 * (2 * layers) ** -0.5;
  return {
    inward: normal(residual),
    outward: normal(width ** -0.5),
    first: normal((2 * width) ** -0.5),
    second: normal(residual),
  };
}

/** Causal multi-head attention of tokens to those before them. */
class ClipAttention extends Module {
  readonly kProj: Linear;
  readonly vProj: Linear;
  readonly qProj: Linear;
  readonly outProj: Linear;
  readonly #heads: number;

  constructor(config: ClipTextConfig) {
    super();
    const { width } = config;
    const { inward, outward } = initsOf(config);
    this.kProj = new Linear(width, width, { init: inward });
    this.vProj = new Linear(width, width, { init: inward });
    this.qProj = new Linear(width, width, { init: inward });
    this.outProj = new Linear(width, width, { init: outward });
    this.#heads = config.heads;
  }

  forward(x: Tensor): Tensor {
    const [q, k, v] = [this.qProj.call(x), this.kProj.call(x), this.vProj.call(x)];
    return this.outProj.call(attention(q, k, v, { heads: this.#heads, causal: true }));
  }
}

/** Linear → GELU → Linear. */
class ClipMlp extends Module {
  readonly fc1: Linear;
  readonly fc2: Linear;
  readonly #approximate: "sigmoid" | "none";

  constructor(config: ClipTextConfig) {
    super();
    const { first, second } = initsOf(config);
    this.fc1 = new Linear(config.width, config.innerWidth, { init: first });
    this.fc2 = new Linear(config.innerWidth, config.width, { init: second });
    this.#approximate = config.activation === "quick_gelu" ? "sigmoid" : "none";
  }

  forward(x: Tensor): Tensor {
    return this.fc2.call(gelu(this.fc1.call(x), this.#approximate));
  }
}

/** x + attention(norm x), then x + network(norm x). */
export class ClipEncoderLayer extends Module {
  readonly selfAttn: ClipAttention;
  readonly layerNorm1: LayerNorm;
  readonly mlp: ClipMlp;
  readonly layerNorm2: LayerNorm;

  constructor(config: ClipTextConfig) {
    super();
    this.selfAttn = new ClipAttention(config);
    this.layerNorm1 = new LayerNorm(config.width, { eps: config.eps });
    this.mlp = new ClipMlp(config);
    this.layerNorm2 = new LayerNorm(config.width, { eps: config.eps });
  }

  forward(x: Tensor): Tensor {
    x = x.add(this.selfAttn.call(this.layerNorm1.call(x)));
    return x.add(this.mlp.call(this.layerNorm2.call(x)));
  }
}
