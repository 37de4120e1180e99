/** @file The gated feed-forward network of transformer blocks: GEGLU of Shazeer 2020. */
import { geglu, type Tensor } from "../tensor/index.ts";
import { Linear } from "./linear.ts";
import { Module } from "./module.ts";

/** a · GELU(b) with a, b the halves of one projection, and the exact (erf) GELU. */
export class Geglu extends Module {
  readonly proj: Linear;

  constructor(inner: number, outer: number) {
    super();
    this.proj = new Linear(inner, 2 * outer);
  }

  forward(x: Tensor): Tensor {
    return geglu(this.proj.call(x));
  }
}

/** GEGLU to four times the width, then back. */
export class FeedForward extends Module {
  /** As diffusers counts them: the gate, a dropout that inference has no use for, the way back. */
  readonly net: readonly [Geglu, null, Linear];

  constructor(width: number) {
    super();
    this.net = [new Geglu(width, 4 * width), null, new Linear(4 * width, width)];
  }

  forward(x: Tensor): Tensor {
    const [gate, , back] = this.net;
    return back.call(gate.call(x));
  }
}
