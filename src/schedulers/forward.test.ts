/** @file Loss weights against their definitions, and quantiles against known integrals. */
import { describe, expect, test } from "vitest";
import { betaQuantile, regularisedBeta } from "./beta-quantile.ts";
import { minSnrWeight, snr } from "./forward.ts";

describe("loss weights", () => {
  const gamma = 5;
  test.each([0.0001, 0.2, 5 / 6, 0.9, 0.9999])("ᾱ %s", (alphaBar) => {
    const ratio = alphaBar / (1 - alphaBar);
    expect(snr(alphaBar)).toBeCloseTo(ratio, 10);
    const onImage = Math.min(ratio, gamma);
    expect(minSnrWeight(alphaBar, { gamma, prediction: "sample" })).toBeCloseTo(onImage, 10);
    const onNoise = minSnrWeight(alphaBar, { gamma, prediction: "epsilon" });
    expect(onNoise).toBeCloseTo(onImage / ratio, 10);
    const onVelocity = minSnrWeight(alphaBar, { gamma, prediction: "v_prediction" });
    expect(onVelocity).toBeCloseTo(onImage / (ratio + 1), 10);
  });

  test("zero terminal SNR has finite weights", () => {
    expect(minSnrWeight(0, { gamma, prediction: "epsilon" })).toBe(1);
    expect(minSnrWeight(0, { gamma, prediction: "v_prediction" })).toBe(0);
  });
});

describe("the beta distribution", () => {
  test("I_x(a, 1) = x^a, I_x(½, ½) = 2/π asin √x", () => {
    for (const x of [0.001, 0.2, 0.5, 0.77, 0.9999]) {
      expect(regularisedBeta(x, 3, 1)).toBeCloseTo(x ** 3, 13);
      expect(regularisedBeta(x, 0.5, 0.5)).toBeCloseTo((2 / Math.PI) * Math.asin(Math.sqrt(x)), 13);
    }
  });

  test("the quantile inverts it and is symmetric", () => {
    for (const p of [0, 0.01, 0.3, 0.5, 0.9, 1]) {
      expect(regularisedBeta(betaQuantile(p, 0.6, 0.6), 0.6, 0.6)).toBeCloseTo(p, 13);
      expect(betaQuantile(p, 0.6, 0.6) + betaQuantile(1 - p, 0.6, 0.6)).toBeCloseTo(1, 13);
    }
  });
});
