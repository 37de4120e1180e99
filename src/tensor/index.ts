/** @file The face of tensor/: symbolic tensors, the ops, and graphs of them. */
export {
  ceil,
  clamp,
  elu,
  expm1,
  geglu,
  leakyRelu,
  log1p,
  logSigmoid,
  maskedFill,
  mish,
  relu,
  rsqrt,
  softplus,
  square,
  swiglu,
  trunc,
} from "./activations.ts";
export {
  attention,
  causalMask,
  compositeBodies,
  concat,
  convGradWeight,
  detach,
  enlarge,
  sumPool,
  deviations,
  expandComposite,
  full,
  gelu,
  groupNorm,
  identity,
  isComposite,
  layerNorm,
  linear,
  silu,
  softmax,
  splitHeads,
} from "./composites.ts";
export type { Values } from "../base/index.ts";
export { conv, convTranspose, type ConvOptions } from "./conv.ts";
export { graphOf, sortNodes, type Graph } from "./graph.ts";
export { gridSample, type GridSampleOptions } from "./grid-sample.ts";
export type { Init } from "./init.ts";
export {
  chunk,
  flip,
  indexAdd,
  indices,
  oneHot,
  patchify,
  pixelShuffle,
  pixelUnshuffle,
  repeat,
  repeatInterleave,
  tileRows,
  roll,
  scatterAdd,
  select,
  stack,
  tril,
  triu,
  unfold,
  unpatchify,
} from "./layout.ts";
export {
  bceWithLogits,
  crossEntropy,
  gram,
  hingeLoss,
  huber,
  klOfGaussians,
  klToStandard,
  l1,
  mse,
  pseudoHuber,
  smoothL1,
  type Gaussian,
  type Reduction,
} from "./losses.ts";
export {
  batchNorm,
  batchStatistics,
  rmsNorm,
  updateStatistics,
  type ChannelStatistics,
} from "./norms.ts";
export type {
  Attrs,
  CompositeName,
  ConvAttrs,
  Inputs,
  LeafName,
  OpName,
  PrimitiveName,
} from "./ops.ts";
export { pad, type PadMode } from "./pad.ts";
export { avgPool, maxPool } from "./pooling.ts";
export { print } from "./print.ts";
export { addmm, einsum, matmul } from "./products.ts";
export {
  cumProd,
  logSoftmax,
  logSumExp,
  norm,
  normalize,
  prod,
  quantile,
  sort,
  std,
  variance,
  type ReduceOptions,
} from "./reductions.ts";
export { adaptiveAvgPool, interpolate, type ResizeMode, type ResizeOptions } from "./resample.ts";
export { currentScope, within, type Scope } from "./scope.ts";
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
export { type WindowOptions } from "./windows.ts";
export { verify } from "./verify.ts";
