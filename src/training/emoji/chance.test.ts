import { expect, test } from "vitest";
import { chance, pick, pickSome } from "./chance.ts";

const first = (count: number, ...path: number[]) => {
  const draw = chance(...path);
  return Array.from({ length: count }, draw);
};

test("numbers are uniform: mean 1/2, variance 1/12, every tenth equally full, neighbours unrelated", () => {
  const n = 100_000;
  const drawn = first(n, 3, 1);
  const mean = drawn.reduce((sum, x) => sum + x, 0) / n;
  expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / n));
  const spread = drawn.reduce((sum, x) => sum + (x - 0.5) ** 2, 0) / n;
  expect(Math.abs(spread - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / n));
  const lag = drawn.slice(1).reduce((sum, x, i) => sum + (x - 0.5) * (drawn[i] - 0.5), 0) / n;
  expect(Math.abs(lag)).toBeLessThan(5 / 12 / Math.sqrt(n));
  for (let tenth = 0; tenth < 10; tenth++) {
    const share = drawn.filter((x) => Math.floor(10 * x) === tenth).length / n;
    expect(Math.abs(share - 0.1)).toBeLessThan(0.005);
  }
});

test("the first number of neighbouring paths is uniform too", () => {
  const starts = Array.from({ length: 20_000 }, (_, k) => first(1, 5, k)[0]);
  const mean = starts.reduce((sum, x) => sum + x, 0) / starts.length;
  expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / starts.length));
  expect(new Set(starts).size).toBeGreaterThan(19_990);
});

test("a path is its stream, in order", () => {
  expect(first(5, 1, 2)).toEqual(first(5, 1, 2));
  expect(first(5, 1, 2)).not.toEqual(first(5, 2, 1));
  expect(first(5, 1)).not.toEqual(first(5, 1, 0));
});

test("picks stay inside and do not repeat", () => {
  expect(["a", "b"]).toContain(pick(chance(1), ["a", "b"]));
  expect(pickSome(chance(1), [1, 2, 3], 5).sort()).toEqual([1, 2, 3]);
});
