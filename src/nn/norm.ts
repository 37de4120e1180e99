/** @file Normalisations with a learnt scale and shift: torch's `nn.GroupNorm` and `nn.LayerNorm`. */
import { groupNorm, layerNorm, parameter, type Parameter, type Tensor } from "../tensor/index.ts";
import { ones, zeros } from "./init.ts";
import { Module } from "./module.ts";

/** How channels are grouped, and what keeps the variance from zero. */
export interface GroupNormOptions {
  readonly groups: number;
  readonly eps: number;
}

/** Mean 0 and variance 1 per group of channels of [B,C,…], then a scale and a shift per channel. */
export class GroupNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #options: GroupNormOptions;

  constructor(channels: number, options: GroupNormOptions) {
    super();
    this.weight = parameter([channels], ones);
    this.bias = parameter([channels], zeros);
    this.#options = options;
  }

  forward(x: Tensor): Tensor {
    return groupNorm(x, this.weight, this.bias, this.#options);
  }
}

/** Mean 0 and variance 1 over the last axis, then a scale and a shift per element. */
export class LayerNorm extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #eps: number;

  constructor(width: number, { eps = 1e-5 } = {}) {
    super();
    this.weight = parameter([width], ones);
    this.bias = parameter([width], zeros);
    this.#eps = eps;
  }

  forward(x: Tensor): Tensor {
    return layerNorm(x, this.weight, this.bias, { eps: this.#eps });
  }
}
