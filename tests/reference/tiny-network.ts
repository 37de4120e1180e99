/** @file The small network of goldens/training, written out: convolutions, group norms, two attentions. */
import {
  attention,
  constant,
  conv,
  groupNorm,
  linear,
  parameter,
  silu,
  type Parameter,
  type Tensor,
} from "../../src/tensor/index.ts";
import { Module } from "../../src/nn/index.ts";
import { concat } from "../../src/tensor/index.ts";

const zero = { kind: "constant", value: 0 } as const;

class Layer extends Module {
  weight: Parameter;
  bias: Parameter | null;
  constructor(shape: readonly number[], bias = true) {
    super();
    this.weight = parameter(shape, zero);
    this.bias = bias ? parameter([shape[0]], zero) : null;
  }
  forward(): [Tensor, Tensor | null] {
    return [this.weight, this.bias];
  }
}

/** tiny(x, t, context) of goldens/training/README.md: width 16, 4 groups, 2 heads of 8. */
export class TinyNetwork extends Module {
  convIn = new Layer([16, 4, 3, 3]);
  time1 = new Layer([32, 16]);
  time2 = new Layer([16, 32]);
  time = new Layer([16, 16]);
  norm1 = new Layer([16]);
  conv1 = new Layer([16, 16, 3, 3]);
  norm2 = new Layer([16]);
  conv2 = new Layer([16, 16, 3, 3]);
  norm3 = new Layer([16]);
  selfQ = new Layer([16, 16], false);
  selfK = new Layer([16, 16], false);
  selfV = new Layer([16, 16], false);
  selfOut = new Layer([16, 16]);
  norm4 = new Layer([16]);
  crossQ = new Layer([16, 16], false);
  crossK = new Layer([16, 16], false);
  crossV = new Layer([16, 16], false);
  crossOut = new Layer([16, 16]);
  norm5 = new Layer([16]);
  convOut = new Layer([4, 16, 3, 3]);

  forward(x: Tensor, timestep: Tensor, context: Tensor): Tensor {
    const dense = (layer: Layer, h: Tensor) => linear(h, ...layer.call());
    const image = (layer: Layer, h: Tensor) => conv(h, ...layer.call(), { padding: 1 });
    const normal = (layer: Layer, h: Tensor) => groupNorm(h, ...layer.call(), { groups: 4 });
    const frequencies = Float32Array.from({ length: 8 }, (_, i) => 10000 ** (-i / 8));
    const angles = timestep.reshape(-1, 1).mul(constant(frequencies, [1, 8]));
    const wave = concat([angles.cos(), angles.sin()], 1);
    const time = dense(this.time2, silu(dense(this.time1, wave)));
    const tokens = (h: Tensor) => h.reshape(0, 0, -1).transpose(0, 2, 1);
    const pixels = (h: Tensor) => h.transpose(0, 2, 1).reshape(...x.shape.with(1, 16));

    let h = image(this.convIn, x);
    const inner = image(this.conv1, silu(normal(this.norm1, h)));
    const shifted = inner.add(dense(this.time, silu(time)).reshape(0, 0, 1, 1));
    h = h.add(image(this.conv2, silu(normal(this.norm2, shifted))));
    const own = tokens(normal(this.norm3, h));
    const self = attention(dense(this.selfQ, own), dense(this.selfK, own), dense(this.selfV, own), {
      heads: 2,
    });
    h = h.add(pixels(dense(this.selfOut, self)));
    const query = dense(this.crossQ, tokens(normal(this.norm4, h)));
    const cross = attention(query, dense(this.crossK, context), dense(this.crossV, context), {
      heads: 2,
    });
    h = h.add(pixels(dense(this.crossOut, cross)));
    return image(this.convOut, silu(normal(this.norm5, h)));
  }
}
