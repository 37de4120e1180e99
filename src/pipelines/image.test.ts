/** @file Rounding of pictures, against the rule written out. */
import { expect, test } from "vitest";
import { hostArray } from "../base/index.ts";
import { toImages } from "./image.ts";

test("x/2 + ½, clamped, times 255, halves to even", () => {
  // 2(k + ½)/255 − 1 lands on the half between k and k + 1, as far as f32 can say it.
  const values = [-2, -1, 0, 1, 3, 1 / 255, -1 / 255, 2 / 255];
  const [{ data }] = toImages(
    hostArray(Float32Array.from([...values, ...values, ...values]), [1, 3, 2, 4]),
  );
  const red = [...data].filter((_, i) => i % 3 === 0);
  // 0 → 127.5 → 128 (even); 1/255 → 128; −1/255 → 127.
  expect(red).toEqual([0, 0, 128, 255, 255, 128, 127, 128]);
});

test("channels of every picture lie together", () => {
  const planes = [-1, -1, 1, 1, -1, 1].flatMap((v, i) => [v, i === 0 ? 1 : v]);
  const images = toImages(hostArray(Float32Array.from(planes), [2, 3, 1, 2]));
  expect(images.map(({ data }) => [...data])).toEqual([
    [0, 0, 255, 255, 0, 255],
    [255, 0, 255, 255, 0, 255],
  ]);
  expect(images[0]).toMatchObject({ width: 2, height: 1, channels: 3 });
});
