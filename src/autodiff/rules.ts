/** @file The differentiation table: one row per primitive, and per composite that knows better than its body. */
import type { CompositeName, PrimitiveName } from "../tensor/index.ts";
import { convRules } from "./conv.ts";
import { layoutRules } from "./layout.ts";
import { normRules } from "./norms.ts";
import { pointwiseRules } from "./pointwise.ts";
import { productRules } from "./products.ts";
import { reductionRules } from "./reductions.ts";
import type { VjpRule } from "./rule.ts";

/** A forgotten primitive is a compile error here. */
export const vjpRules: { readonly [K in PrimitiveName]: VjpRule<K> } & {
  readonly [K in CompositeName]?: VjpRule<K>;
} = {
  ...pointwiseRules,
  ...reductionRules,
  ...layoutRules,
  ...productRules,
  ...convRules,
  ...normRules,
};
