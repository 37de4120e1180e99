/** @file Timesteps and weights of the diffusion objective against their definitions. */
import { expect, test } from "vitest";
import { keyedRandom } from "../base/index.ts";
import { lossWeight, mixesOf, stratifiedTimesteps } from "./diffusion.ts";

test("a share of the timesteps lies in the late range, one in each stratum", () => {
  const uniform = Array.from(keyedRandom(1, 0, 0).uniform([20]).data);
  const drawn = stratifiedTimesteps(uniform, { steps: 1000, share: 0.6, from: 600 });
  drawn.slice(0, 12).forEach((t, i) => {
    expect(t).toBeGreaterThanOrEqual(Math.floor(600 + (400 * i) / 12));
    expect(t).toBeLessThanOrEqual(600 + (400 * (i + 1)) / 12);
  });
  drawn.slice(12).forEach((t, i) => {
    expect(t).toBeGreaterThanOrEqual((1000 * i) / 8);
    expect(t).toBeLessThanOrEqual((1000 * (i + 1)) / 8);
  });
  const ends = { steps: 10, share: 0, from: 0 };
  expect(stratifiedTimesteps([0, 0.999999], ends)).toEqual([0, 9]);
});

test("weights: min(snr, γ) and min(snr + 1, γ) on the image, divided for ε and v", () => {
  const alphaBar = 0.75; // snr 3
  const of = (kind: "minSnr" | "minSnrPlusOne", gamma: number) =>
    (["sample", "epsilon", "v_prediction"] as const).map((prediction) =>
      lossWeight(alphaBar, prediction, { kind, gamma }),
    );
  expect(of("minSnr", 5)).toEqual([3, 1, 3 / 4]);
  expect(of("minSnr", 2)).toEqual([2, 2 / 3, 2 / 4]);
  expect(of("minSnrPlusOne", 5)).toEqual([4, 4 / 3, 1]);
  expect(of("minSnrPlusOne", 2)).toEqual([2, 2 / 3, 2 / 4]);
  expect(lossWeight(alphaBar, "sample", { kind: "none" })).toBe(1);
});

test.each([0.0001, 0.2, 5 / 6, 0.9, 0.9999])(
  "weights at ᾱ %s follow from that on the image",
  (ᾱ) => {
    const snr = ᾱ / (1 - ᾱ);
    for (const [kind, clean] of [
      ["minSnr", Math.min(snr, 5)],
      ["minSnrPlusOne", Math.min(snr + 1, 5)],
    ] as const) {
      const weighting = { kind, gamma: 5 };
      expect(lossWeight(ᾱ, "sample", weighting)).toBeCloseTo(clean, 10);
      expect(lossWeight(ᾱ, "epsilon", weighting)).toBeCloseTo(clean / snr, 10);
      expect(lossWeight(ᾱ, "v_prediction", weighting)).toBeCloseTo(clean / (snr + 1), 10);
    }
  },
);

test("at the ends of the signal weights are finite, or refused", () => {
  const weights = (alphaBar: number, kind: "minSnr" | "minSnrPlusOne") =>
    (["sample", "epsilon", "v_prediction"] as const).map((prediction) =>
      lossWeight(alphaBar, prediction, { kind, gamma: 5 }),
    );
  expect(weights(0, "minSnr")).toEqual([0, 1, 0]);
  expect(() => weights(0, "minSnrPlusOne")).toThrow("no finite weight at ᾱ = 0");
  expect(lossWeight(0, "sample", { kind: "minSnrPlusOne", gamma: 5 })).toBe(1);
  expect(weights(1, "minSnr")).toEqual([5, 0, 0]);
  expect(weights(1, "minSnrPlusOne")).toEqual([5, 0, 0]);
  // The noisiest steps keep a weight.
  expect(lossWeight(0, "v_prediction", { kind: "minSnrPlusOne", gamma: 5 })).toBe(1);
});

test("mixes are the roots of ᾱ and 1 − ᾱ", () => {
  const [mix] = mixesOf([1], Float32Array.of(1, 0.36), "epsilon", { kind: "none" });
  expect(mix.alpha).toBeCloseTo(0.6, 6);
  expect(mix.sigma).toBeCloseTo(0.8, 6);
});
