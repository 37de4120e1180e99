/** @file Weights in memory as an engine wants them. */
import { WeightError } from "../base/index.ts";
import type { Binding } from "../runtime/index.ts";
import type { Weights } from "./recipe.ts";

/** Binds each parameter to its numbers; one that has none is a WeightError that names it. */
export function bindWeights(weights: Weights): (parameter: { path: string }) => Binding {
  return ({ path }) => {
    const data = weights.get(path);
    if (!data) throw new WeightError(`there are no weights for ${path}`);
    return { kind: "array", data };
  };
}
