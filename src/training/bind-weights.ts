/** @file Weights in memory as an engine wants them. */
import { WeightError } from "../base/index.ts";
import type { Binding } from "../runtime/index.ts";
import type { Weights } from "./recipe.ts";

/** The numbers of a parameter; a WeightError that names it where there are none. */
export function numbersOf(weights: Weights, path: string): Float32Array {
  const numbers = weights.get(path);
  if (!numbers) throw new WeightError(`there are no weights for ${path}`);
  return numbers;
}

/** Binds each parameter to its numbers; one that has none is a WeightError that names it. */
export function bindWeights(weights: Weights): (parameter: { path: string }) => Binding {
  return ({ path }) => ({ kind: "array", data: numbersOf(weights, path) });
}
