/** @file The beta distribution against known integrals. */
import { describe, expect, test } from "vitest";
import { betaQuantile, regularisedBeta } from "./beta-quantile.ts";

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
