/** @file Guidance against its formulas, written out. */
import { expect, test } from "vitest";
import { hostArray } from "../base/index.ts";
import { guide, guides } from "./guidance.ts";

const conditional = hostArray(Float32Array.of(1, 2, 3, -1, 0, 4), [2, 3]);
const unconditional = hostArray(Float32Array.of(0, 1, -1, 2, 2, 0), [2, 3]);

test("[S7] guidance starts above 1", () => {
  expect([0, 1, 1.0001, 7.5].map(guides)).toEqual([false, false, true, true]);
});

test("[S7] the output is ε_u + s (ε_c - ε_u)", () => {
  const { data } = guide({ conditional, unconditional }, { scale: 2 });
  expect([...data]).toEqual([2, 3, 7, -4, -2, 8]);
});

test("[S7] full rescaling gives each row the deviation of ε_c and keeps its direction", () => {
  const plain = guide({ conditional, unconditional }, { scale: 2 });
  const { data } = guide({ conditional, unconditional }, { scale: 2, rescale: 1 });
  // Deviations with n - 1: rows of ε_c 1 and √7, rows of the guided output √7 and √(124/3).
  const [first, second] = [1 / Math.sqrt(7), Math.sqrt(7) / Math.sqrt(124 / 3)];
  data.forEach((value, i) =>
    expect(value).toBeCloseTo(plain.data[i] * (i < 3 ? first : second), 5),
  );
});

test("partial rescaling lies between", () => {
  const [none, half, full] = [0, 0.5, 1].map(
    (rescale) => guide({ conditional, unconditional }, { scale: 3, rescale }).data,
  );
  half.forEach((value, i) => expect(value).toBeCloseTo((none[i] + full[i]) / 2, 5));
});
