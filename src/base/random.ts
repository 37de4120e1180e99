/** @file The contract of every random generator: seeded, and the same on every platform. */
import type { HostArray } from "./array.ts";

/** A stream of random numbers; each call moves it on. */
export interface Random {
  /** Standard normal numbers of the given shape. */
  normal(shape: readonly number[]): HostArray;
  /** Uniform numbers in [0, 1) of the given shape. */
  uniform(shape: readonly number[]): HostArray;
  /** `count` whole numbers, each in low ≤ x < high. */
  integers(low: number, high: number, count: number): number[];
  /** The numbers 0 … n - 1 in random order. */
  permutation(n: number): number[];
}
