/** @file The convolution over pictures: torch's `nn.Conv2d`. */
import {
  applyOne,
  parameter,
  type ConvAttrs,
  type Init,
  type Parameter,
  type Tensor,
} from "../tensor/index.ts";
import { Module } from "./module.ts";

/** Zeros around a picture: as many on every side, or [top, left, bottom, right]. */
export type Padding = number | readonly [number, number, number, number];

/** Square-kernel convolution of [B,C,H,W] with weight [out,in,k,k]; starts as U(±1/√(in·k²)), as in PyTorch. */
export class Conv2d extends Module {
  readonly weight: Parameter;
  readonly bias: Parameter;
  readonly #window: ConvAttrs;

  constructor(
    inner: number,
    outer: number,
    options: { kernel: number; stride?: number; padding?: Padding },
  ) {
    super();
    const { kernel, stride = 1, padding = 0 } = options;
    const fan: Init = { kind: "uniform", bound: 1 / Math.sqrt(inner * kernel * kernel) };
    this.weight = parameter([outer, inner, kernel, kernel], fan);
    this.bias = parameter([outer], fan);
    const pads = typeof padding === "number" ? Array<number>(4).fill(padding) : padding;
    this.#window = { strides: [stride, stride], pads, dilations: [1, 1], group: 1 };
  }

  forward(x: Tensor): Tensor {
    return applyOne("Conv", [x, this.weight, this.bias], this.#window);
  }
}

/** A 3×3 convolution that keeps the size. */
export function conv3x3(inner: number, outer: number): Conv2d {
  return new Conv2d(inner, outer, { kernel: 3, padding: 1 });
}
