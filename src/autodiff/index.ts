/** @file The face of autodiff/: gradients of traced graphs. */
export { grad, pullback } from "./grad.ts";
export type { VjpRule } from "./rule.ts";
export { vjpRules } from "./rules.ts";
