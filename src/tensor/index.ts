/** @file The face of tensor/: symbolic tensors, the ops, and graphs of them. */
export {
  attention,
  causalMask,
  compositeBodies,
  concat,
  conv,
  convGradWeight,
  expandComposite,
  full,
  gelu,
  groupNorm,
  isComposite,
  layerNorm,
  linear,
  silu,
  softmax,
  splitHeads,
} from "./composites.ts";
export { graphOf, sortNodes, type Graph } from "./graph.ts";
export type { Init } from "./init.ts";
export type {
  Attrs,
  CompositeName,
  ConvAttrs,
  Inputs,
  LeafName,
  OpName,
  PrimitiveName,
  Values,
} from "./ops.ts";
export { print } from "./print.ts";
export { currentScope, within } from "./scope.ts";
export { sumTo } from "./sum-to.ts";
export {
  apply,
  applyOne,
  constant,
  input,
  lift,
  Parameter,
  parameter,
  scalar,
  Tensor,
  valuesOf,
  type Node,
  type TensorLike,
} from "./tensor.ts";
export { show, type Operand, type TensorType } from "./type.ts";
export { verify } from "./verify.ts";
