/** @file Looking up a picture at arbitrary places: spatial transformers (Jaderberg et al. 2015), optical flow. */
import { clamp } from "./activations.ts";
import type { Tensor } from "./tensor.ts";

/** How places of a grid become pixels. */
export interface GridSampleOptions {
  /** What lies outside: zeros, or the nearest border pixel. */
  readonly outside?: "zeros" | "border";
  /** Whether ±1 are the centres of the outermost pixels or their outer edges. */
  readonly alignCorners?: boolean;
}

/** [−1, 1] → pixel coordinates, centres being whole numbers. */
function pixels(g: Tensor, length: number, alignCorners: boolean): Tensor {
  const half = (alignCorners ? length - 1 : length) / 2;
  return g.mul(half).add((length - 1) / 2);
}

/** Bilinear samples of x [N,C,H,W] at grid [N,h,w,2] of (x, y) in [−1, 1]: [N,C,h,w]. */
export function gridSample(
  x: Tensor,
  grid: Tensor,
  { outside = "zeros", alignCorners = false }: GridSampleOptions = {},
): Tensor {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const [, h, w] = grid.shape as [number, number, number];
  const flat = x.reshape(batch, channels, height * width);
  const place = (axis: number, length: number) => {
    const raw = pixels(grid.slice(3, axis, axis + 1), length, alignCorners).reshape(
      batch,
      1,
      h * w,
    );
    return outside === "border" ? clamp(raw, { min: 0, max: length - 1 }) : raw;
  };
  const [column, row] = [place(0, width), place(1, height)]; // [N,1,h·w]
  const [left, top] = [column.floor(), row.floor()];
  const [dx, dy] = [column.sub(left), row.sub(top)];
  const corner = (down: number, right: number) => {
    const [r, c] = [top.add(down), left.add(right)];
    const [rIn, cIn] = [
      clamp(r, { min: 0, max: height - 1 }),
      clamp(c, { min: 0, max: width - 1 }),
    ];
    const index = rIn
      .mul(width)
      .add(cIn)
      .cast("i64")
      .expand(batch, channels, h * w);
    const weight = (down ? dy : dy.neg().add(1)).mul(right ? dx : dx.neg().add(1));
    const there = r.equal(rIn).and(c.equal(cIn)).where(weight, 0);
    return flat.gatherElements(index, 2).mul(there);
  };
  const sum = corner(0, 0).add(corner(0, 1)).add(corner(1, 0)).add(corner(1, 1));
  return sum.reshape(batch, channels, h, w);
}
