/** @file The face of nn/: modules and layers. */
export { AttentionPooling, TextTimeEmbedding } from "./attention-pooling.ts";
export { Attention, pictureOf, SpatialAttention, tokensOf } from "./attention.ts";
export { Conv2d, conv3x3, type Padding } from "./conv.ts";
export { Embedding } from "./embedding.ts";
export { FeedForward, Geglu } from "./feed-forward.ts";
export { Linear } from "./linear.ts";
export { keyOfField, Module, modulesOf, parametersOf, place } from "./module.ts";
export { GroupNorm, LayerNorm, type GroupNormOptions } from "./norm.ts";
export { Downsample2D, resizeNearest, Upsample2D, type Size } from "./resample.ts";
export { ResnetBlock2D, type ResnetBlockOptions, type TimeScaleShift } from "./resnet-block.ts";
export { TimestepEmbedding, timestepEmbedding, type SinusoidOptions } from "./timestep.ts";
export {
  BasicTransformerBlock,
  Transformer2DModel,
  type TransformerOptions,
} from "./transformer.ts";
