/** @file A grid of pictures, pixel by pixel. */
import { expect, test } from "vitest";
import type { Image } from "../formats/index.ts";
import { bindWeights } from "./bind-weights.ts";
import { gridOf } from "./grid.ts";

/** A 2×1 picture of two greys. */
const picture = (left: number, right: number): Image => ({
  width: 2,
  height: 1,
  channels: 3,
  data: Uint8Array.of(left, left, left, right, right, right),
});

test("pictures stand row by row, zoomed, and white fills the rest", () => {
  const { width, height, data } = gridOf([picture(1, 2), picture(3, 4), picture(5, 6)], {
    across: 2,
    zoom: 2,
  });
  expect([width, height]).toEqual([8, 4]);
  const reds = Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => data[(y * width + x) * 3]),
  );
  const first = [1, 1, 2, 2, 3, 3, 4, 4];
  const second = [5, 5, 6, 6, 255, 255, 255, 255];
  expect(reds).toEqual([first, first, second, second]);
});

test("a missing weight is named, not made up", () => {
  const bind = bindWeights(new Map([["unet.conv_in.weight", Float32Array.of(1)]]));
  expect(bind({ path: "unet.conv_in.weight" })).toMatchObject({ kind: "array" });
  expect(() => bind({ path: "unet.conv_out.weight" })).toThrow("unet.conv_out.weight");
});
