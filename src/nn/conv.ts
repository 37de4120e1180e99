/** @file The convolution over pictures: torch's `nn.Conv2d`. */
import { conv, parameter, type Init, type Parameter, type Tensor } from "../tensor/index.ts";
import { Module } from "./module.ts";

/** Square-kernel convolution of [B,C,H,W] with weight [out,in,k,k]; starts as U(±1/√(in·k²)), as in PyTorch. */
export class Conv2d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #window: { stride: number; padding: number };

  constructor(
    inner: number,
    outer: number,
    options: { kernel: number; stride?: number; padding?: number },
  ) {
    super();
    const { kernel, stride = 1, padding = 0 } = options;
    const fan: Init = { kind: "uniform", bound: 1 / Math.sqrt(inner * kernel * kernel) };
    this.weight = parameter([outer, inner, kernel, kernel], fan);
    this.bias = parameter([outer], fan);
    this.#window = { stride, padding };
  }

  forward(x: Tensor): Tensor {
    return conv(x, this.weight, this.bias, this.#window);
  }
}

/** A 3×3 convolution that keeps the size. */
export function conv3x3(inner: number, outer: number): Conv2d {
  return new Conv2d(inner, outer, { kernel: 3, padding: 1 });
}
