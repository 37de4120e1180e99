/** @file Half and double size: diffusers' `Downsample2D` and `Upsample2D` with their convolutions. */
import { constant, type Tensor } from "../tensor/index.ts";
import { Conv2d, conv3x3 } from "./conv.ts";
import { Module } from "./module.ts";

/** Halves height and width by a 3×3 convolution of stride 2. */
export class Downsample2D extends Module {
  readonly conv: Conv2d;
  readonly #padding: number;

  /** Padding 0 stands for one row and column at the end only, as autoencoders and DDPM have it. */
  constructor(channels: number, { padding }: { padding: number }) {
    super();
    this.conv = new Conv2d(channels, channels, { kernel: 3, stride: 2, padding });
    this.#padding = padding;
  }

  forward(x: Tensor): Tensor {
    return this.conv.call(this.#padding === 0 ? x.pad([0, 0, 0, 0, 0, 0, 1, 1]) : x);
  }
}

/** Height and width of a picture or of activations. */
export type Size = readonly [height: number, width: number];

/** Enlarges to the double or to a given size by the nearest pixel, then a 3×3 convolution. */
export class Upsample2D extends Module {
  readonly conv: Conv2d;

  constructor(channels: number) {
    super();
    this.conv = conv3x3(channels, channels);
  }

  forward(x: Tensor, size: Size = [2 * x.shape[2], 2 * x.shape[3]]): Tensor {
    return this.conv.call(resizeNearest(x, size));
  }
}

/** Repeats or skips pixels of [B,C,H,W]: pixel i of the result is pixel ⌊i·old/new⌋, in f32 as PyTorch has it. */
export function resizeNearest(x: Tensor, [height, width]: Size): Tensor {
  const [batch, channels, oldHeight, oldWidth] = x.shape as [number, number, number, number];
  const [rows, columns] = [height / oldHeight, width / oldWidth];
  if (Number.isInteger(rows) && Number.isInteger(columns)) {
    const spread = x.reshape(batch, channels, oldHeight, 1, oldWidth, 1);
    const repeated = spread.expand(batch, channels, oldHeight, rows, oldWidth, columns);
    return repeated.reshape(batch, channels, height, width);
  }
  return x.gather(nearestIndices(oldHeight, height), 2).gather(nearestIndices(oldWidth, width), 3);
}

function nearestIndices(from: number, to: number): Tensor {
  const scale = Math.fround(from / to);
  const index = (i: number) => Math.min(Math.floor(Math.fround(i * scale)), from - 1);
  return constant(
    BigInt64Array.from({ length: to }, (_, i) => BigInt(index(i))),
    [to],
    "i64",
  );
}
