/** @file The time of diffusion as a vector: sinusoids of falling frequency, then a small network (Ho et al. 2020). */
import { concat, constant, pad, silu, type Tensor } from "../tensor/index.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";

/** Which half comes first, and what is subtracted from the count of frequencies before dividing by it. */
export interface SinusoidOptions {
  readonly order: "sin-cos" | "cos-sin";
  readonly shift: number;
}

/** Sinusoids sin(t·fᵢ), cos(t·fᵢ) with fᵢ = 10⁴^(−i / (half − shift)): [N] → [N, width]; t may be a fraction. */
export function timestepEmbedding(
  timestep: Tensor,
  width: number,
  { order, shift }: SinusoidOptions,
): Tensor {
  const half = Math.floor(width / 2);
  // Rounded to f32 after each operation, as PyTorch does: at t = 1000 the last bit of f is seen.
  const log = Math.fround(-Math.log(10000));
  const frequencies = Float32Array.from({ length: half }, (_, i) =>
    Math.exp(Math.fround(Math.fround(log * i) / (half - shift))),
  );
  const angles = timestep.reshape(-1, 1).mul(constant(frequencies, [1, half]));
  const pair = [angles.sin(), angles.cos()];
  // An odd width ends with a column of zeros.
  return pad(concat(order === "sin-cos" ? pair : pair.reverse(), 1), [0, width % 2]);
}

/** Linear → SiLU → Linear: the sinusoids' way into the width that the residual blocks read. */
export class TimestepEmbedding extends Module {
  readonly linear1: Linear;
  readonly linear2: Linear;

  constructor(inner: number, width: number) {
    super();
    this.linear1 = new Linear(inner, width);
    this.linear2 = new Linear(width, width);
  }

  forward(x: Tensor): Tensor {
    return this.linear2.call(silu(this.linear1.call(x)));
  }
}
