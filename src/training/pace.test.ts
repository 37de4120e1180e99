/** @file The pace of a training against sums by hand. */
import { expect, test } from "vitest";
import { Pace } from "./pace.ts";

test("the first step is forgotten, then steps are averaged", () => {
  const pace = new Pace();
  expect(pace.add(60, 8, 10)).toEqual({
    seconds: 60,
    samplesPerSecond: 8 / 60,
    secondsLeft: 600,
  });
  expect(pace.add(2, 8, 9)).toEqual({ seconds: 2, samplesPerSecond: 4, secondsLeft: 18 });
  const { samplesPerSecond, secondsLeft } = pace.add(1, 8, 8);
  expect(samplesPerSecond).toBeCloseTo((0.98 * 8 + 8) / (0.98 * 2 + 1), 12);
  expect(secondsLeft).toBeCloseTo(((0.98 * 2 + 1) / 1.98) * 8, 12);
});

test("a clock that stands still gives no speed", () => {
  expect(new Pace().add(0, 8, 3)).toEqual({ seconds: 0, samplesPerSecond: 0, secondsLeft: 0 });
});
