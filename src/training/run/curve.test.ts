/** @file The loss curve: where its lines lie, and that figures are round and do not touch. */
import { expect, test } from "vitest";
import { decodeImage } from "../../formats/index.ts";
import { lossCurve } from "./curve.node.ts";

/** Whether a pixel has the bold line's blue. */
const blue = ([r, g, b]: readonly number[]) => r < 80 && g < 130 && b > 140;

async function draw(losses: readonly number[]) {
  const png = await lossCurve(losses.map((loss, i) => ({ step: i + 1, loss })));
  const { image } = await decodeImage(png, { what: "the curve" });
  const at = (x: number, y: number) => {
    const start = (y * image.width + x) * 3;
    return [...image.data.subarray(start, start + 3)];
  };
  return { ...image, at };
}

test("a loss that halves at every step is a straight line of the logarithmic axis", async () => {
  const { width, height, at } = await draw(Array.from({ length: 50 }, (_, i) => 2 ** -(i / 10)));
  expect([width, height]).toEqual([900, 420]);
  const rowAt = (x: number) => {
    const rows = Array.from({ length: height }, (_, y) => y).filter((y) => blue(at(x, y)));
    return rows.reduce((a, b) => a + b, 0) / rows.length;
  };
  const [first, middle, last] = [rowAt(200), rowAt(500), rowAt(800)];
  expect(first).toBeLessThan(middle);
  expect(Math.abs((first + last) / 2 - middle)).toBeLessThan(1.5);
});

test("losses that are none, or none at all, still give a picture", async () => {
  for (const losses of [[], [0.5], [NaN, 0, 0.4, Infinity, 0.3]]) {
    const { width, at } = await draw(losses);
    expect(width).toBe(900);
    expect(at(890, 10)).toEqual([255, 255, 255]);
  }
});
