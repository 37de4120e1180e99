/** @file The ratios by their definitions. */
import { expect, test } from "vitest";
import { peakSignalToNoise, signalToNoise } from "./signal-to-noise.ts";

test.each([
  [[3, 4], [3, 4.5], 20], // 25 / 0.25
  [[10, 0], [0, 10], -10 * Math.log10(2)],
  [[1, 2], [1, 2], Infinity],
  [[0, 0], [0, 0], Infinity],
  [[1, 2], [1, NaN], -Infinity],
  [[1, NaN], [1, NaN], -Infinity],
  [[1, 2], [1, Infinity], -Infinity],
])("the power of %j over the error of %j is %d dB", (exact, other, wanted) => {
  const ratio = signalToNoise(exact, other);
  if (Number.isFinite(wanted)) expect(ratio).toBeCloseTo(wanted, 10);
  else expect(ratio).toBe(wanted);
});

test("the peak ratio of two pictures", () => {
  expect(peakSignalToNoise(Uint8Array.of(0, 0), Uint8Array.of(255, 255))).toBe(0);
  // Mean square 2: 10·log10(65025 / 2).
  expect(peakSignalToNoise(Uint8Array.of(10, 20), Uint8Array.of(12, 20))).toBeCloseTo(45.12, 2);
  expect(peakSignalToNoise(Uint8Array.of(7), Uint8Array.of(7))).toBe(Infinity);
});
