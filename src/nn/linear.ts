/** @file The affine layer: torch's `nn.Linear`. */
import { linear, parameter, type Init, type Parameter, type Tensor } from "../tensor/index.ts";
import { zeros } from "./init.ts";
import { Module } from "./module.ts";

/** x Wᵀ + b over the last axis, weight [out, in]; starts as U(±1/√in) unless another weight init is given. */
export class Linear extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter | null;

  /** An `init` of one's own starts the bias at zero. */
  constructor(inner: number, outer: number, options: { bias?: boolean; init?: Init } = {}) {
    super();
    const { bias = true, init } = options;
    const fan: Init = { kind: "uniform", bound: 1 / Math.sqrt(inner) };
    this.weight = parameter([outer, inner], init ?? fan);
    this.bias = bias ? parameter([outer], init ? zeros : fan) : null;
  }

  forward(x: Tensor): Tensor {
    return linear(x, this.weight, this.bias);
  }
}
