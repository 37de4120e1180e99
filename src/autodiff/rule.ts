/** @file What a differentiation rule is: vector–Jacobian products in reverse mode. */
import type { Attrs, CompositeName, Inputs, PrimitiveName, Tensor } from "../tensor/index.ts";

/** Ops that have a rule: all but the leaves of a graph. */
export type DifferentiableName = PrimitiveName | CompositeName;

/** Gradients of the outputs; where an op has several, those that nobody asked about are null. */
export type Gradients<K extends DifferentiableName> = K extends "Split" | "TopK"
  ? readonly (Tensor | null)[]
  : readonly [Tensor];

/**
 * From the gradients of a node's outputs to those of its inputs: dL/dxᵢ = Σⱼ dL/dyⱼ · ∂yⱼ/∂xᵢ.
 * Null means no gradient flows: an index, a condition, a step function, an absent optional input.
 */
export type VjpRule<K extends DifferentiableName> = (
  gradients: Gradients<K>,
  inputs: Inputs<K, Tensor>,
  outputs: readonly Tensor[],
  attrs: Attrs<K>,
) => readonly (Tensor | null)[];

/** Some rows of the table, as a family file gives them. */
export type VjpRules = { readonly [K in DifferentiableName]?: VjpRule<K> };
