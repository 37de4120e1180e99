/** @file A table of learnt vectors: torch's `nn.Embedding`. */
import { parameter, type Init, type Parameter, type Tensor } from "../tensor/index.ts";
import { Module } from "./module.ts";

/** Rows of a [count, width] table by integer index; starts as N(0, 1) unless told otherwise. */
export class Embedding extends Module {
  readonly weight: Parameter;

  constructor(count: number, width: number, init: Init = { kind: "normal", std: 1 }) {
    super();
    this.weight = parameter([count, width], init);
  }

  forward(indices: Tensor): Tensor {
    return this.weight.gather(indices);
  }
}
