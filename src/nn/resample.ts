/** @file Half and double size: diffusers' `Downsample2D` and `Upsample2D` with their convolutions. */
import { interpolate, type Tensor } from "../tensor/index.ts";
import { Conv2d, conv3x3, type Padding } from "./conv.ts";
import { Module } from "./module.ts";

/** Halves height and width by a 3×3 convolution of stride 2. */
export class Downsample2D extends Module {
  readonly conv: Conv2d;

  /** Padding 0 stands for one row and column at the end only, as autoencoders and DDPM have it. */
  constructor(channels: number, { padding }: { padding: number }) {
    super();
    const sides: Padding = padding === 0 ? [0, 0, 1, 1] : padding;
    this.conv = new Conv2d(channels, channels, { kernel: 3, stride: 2, padding: sides });
  }

  forward(x: Tensor): Tensor {
    return this.conv.call(x);
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

/** [B,C,H,W] in another size, each pixel copied from the nearest one. */
export function resizeNearest(x: Tensor, size: Size): Tensor {
  return interpolate(x, { size, mode: "nearest" });
}
