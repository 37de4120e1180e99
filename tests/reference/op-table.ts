/** @file Every operation of the goldens by its name there, said in limn's terms. */
import { grad } from "../../src/autodiff/index.ts";
import { timestepEmbedding } from "../../src/nn/index.ts";
import * as t from "../../src/tensor/index.ts";
import type { Tensor } from "../../src/tensor/index.ts";

/** Parameters of all cases together; each case has those that its op reads. */
export interface Params {
  readonly transpose_a?: boolean;
  readonly alpha?: number;
  readonly beta?: number;
  readonly equation: string;
  readonly padding?: number | number[];
  readonly stride?: number;
  readonly pad_before?: number[];
  readonly groups?: number;
  readonly dilation?: number;
  readonly output_padding?: number;
  readonly eps: number;
  readonly normalized_shape: number[];
  readonly training: boolean;
  readonly momentum: number;
  readonly axis: number;
  readonly keepdim?: boolean;
  readonly approximate: "none" | "tanh";
  readonly slope: number;
  readonly min?: number;
  readonly max?: number;
  readonly exponent?: number;
  readonly value?: number;
  readonly formula?: string;
  readonly axes: number[];
  readonly correction: number;
  readonly q: number;
  readonly k: number;
  readonly classes: number;
  readonly sizes: number[];
  readonly chunks: number;
  readonly starts: number[];
  readonly ends: number[];
  readonly steps: number[];
  readonly widths: number[];
  readonly mode: string;
  readonly shape: number[];
  readonly heads: number;
  readonly repeats: number[] & number;
  readonly shifts: number[];
  readonly diagonal: number;
  readonly patch: number;
  readonly kernel: number;
  readonly causal?: boolean;
  readonly scale?: number;
  readonly scale_factor?: number;
  readonly size: number | number[];
  readonly align_corners?: boolean;
  readonly antialias?: boolean;
  readonly count_include_pad?: boolean;
  readonly factor: number;
  readonly reduction: t.Reduction;
  readonly delta: number;
  readonly c: number;
  readonly label_smoothing?: number;
  readonly dim: number;
  readonly flip_sin_to_cos: boolean;
  readonly downscale_freq_shift: number;
  readonly to: "float16" | "bfloat16";
}

type Named = Record<string, Tensor>;
/** Inputs by name and parameters → the output, or several by name. */
export type GoldenOp = (x: Named, p: Params, name: string) => Tensor | Named;

const unary =
  (f: (x: Tensor) => Tensor): GoldenOp =>
  ({ x }) =>
    f(x);
const binary =
  (f: (a: Tensor, b: Tensor) => Tensor): GoldenOp =>
  ({ a, b }) =>
    f(a, b);

const convolve: GoldenOp = ({ x, weight, bias }, p) => {
  const padded = p.pad_before ? t.pad(x, p.pad_before) : x;
  const { stride = 1, padding = 0, dilation = 1, groups: group = 1 } = p;
  return t.conv(padded, weight, bias ?? null, { stride, padding, dilation, group });
};

/** Goldens keep heads apart, [B,H,S,D]; limn has them side by side. */
const join = (x: Tensor) => x.transpose(0, 2, 1, 3).reshape(x.shape[0], x.shape[2], -1);
const attend: GoldenOp = ({ q, k, v, mask }, { causal = false, scale }) => {
  const heads = q.shape[1];
  const options = { heads, causal, mask: mask ?? null, ...(scale === undefined ? {} : { scale }) };
  return t.splitHeads(t.attention(join(q), join(k), join(v), options), heads);
};

/** The R1 penalty of a score: its slope is a gradient, and what is checked differentiates that again. */
function penalty(score: Tensor, x: Tensor): Named {
  const [slope] = grad(score.sum(), [x]);
  return { score, slope, r1: t.square(slope).sum([1, 2, 3]).mean() };
}

const r1: GoldenOp = ({ x, w1, b1, w2, b2, w3, gamma, beta, q, r }, _, name) => {
  if (gamma) {
    const h = t.silu(t.groupNorm(t.conv(x, w1, null, { padding: 1 }), gamma, beta, { groups: 2 }));
    const tokens = h.reshape(2, 4, 16).transpose();
    const mixed = t.softmax(tokens.matmul(q).matmul(tokens.transpose())).matmul(tokens);
    return penalty(t.matmul(mixed.mean([1]), r.unsqueeze(1)), x);
  }
  const act = name.endsWith("silu")
    ? t.silu
    : name.endsWith("softplus")
      ? t.softplus
      : (h: Tensor) => t.leakyRelu(h, 0.2);
  const first = act(t.conv(x, w1, b1, { padding: 1 }));
  const second = act(t.conv(first, w2, b2, { stride: 2, padding: 1 }));
  return penalty(second.mean([2, 3]).matmul(w3.transpose()), x);
};

const products: Record<string, GoldenOp> = {
  matmul: ({ a, b }, { transpose_a }) => t.matmul(transpose_a ? a.transpose() : a, b),
  linear: ({ x, weight, bias }) => t.linear(x, weight, bias ?? null),
  addmm: ({ c, a, b }, { alpha = 1, beta = 1 }) => t.addmm(c, a, b, { alpha, beta }),
  einsum: ({ a, b }, { equation }) => t.einsum(equation, a, b),
  conv1d: convolve,
  conv2d: convolve,
  conv3d: convolve,
  conv_transpose2d: ({ x, weight, bias }, p) => {
    const { stride = 1, padding = 0, groups: group = 1, output_padding: outputPadding = 0 } = p;
    return t.convTranspose(x, weight, bias ?? null, { stride, padding, group, outputPadding });
  },
  attention: attend,
  r1,
};

const norms: Record<string, GoldenOp> = {
  group_norm: ({ x, weight, bias }, { groups = 1, eps }) =>
    t.groupNorm(x, weight ?? null, bias ?? null, { groups, eps }),
  layer_norm: ({ x, weight, bias }, { normalized_shape, eps }) =>
    t.layerNorm(x, weight ?? null, bias ?? null, { axes: normalized_shape.length, eps }),
  rms_norm: ({ x, weight }, { eps }) => t.rmsNorm(x, weight, { eps }),
  batch_norm: ({ x, weight, bias, running_mean, running_var }, { training, momentum, eps }) => {
    const old = { mean: running_mean, variance: running_var };
    const now = training ? t.batchStatistics(x) : old;
    const next = training ? t.updateStatistics(old, x, momentum) : old;
    const y = t.batchNorm(x, now, { weight, bias, eps });
    return { y, running_mean: next.mean, running_var: next.variance };
  },
  softmax: ({ x }, { axis }) => t.softmax(x, axis),
  log_softmax: ({ x }, { axis }) => t.logSoftmax(x, axis),
  logsumexp: ({ x }, { axis, keepdim = false }) => t.logSumExp(x, axis, { keepdims: keepdim }),
  normalize: ({ x }, { axis, eps }) => t.normalize(x, axis, eps),
};

const pointwise: Record<string, GoldenOp> = {
  silu: unary(t.silu),
  gelu: ({ x }, { approximate }) => t.gelu(x, approximate),
  quick_gelu: unary((x) => t.gelu(x, "sigmoid")),
  mish: unary(t.mish),
  sigmoid: unary((x) => x.sigmoid()),
  tanh: unary((x) => x.tanh()),
  softplus: unary(t.softplus),
  sin: unary((x) => x.sin()),
  cos: unary((x) => x.cos()),
  erf: unary((x) => x.erf()),
  exp: unary((x) => x.exp()),
  neg: unary((x) => x.neg()),
  square: unary(t.square),
  logsigmoid: unary(t.logSigmoid),
  relu: unary(t.relu),
  elu: ({ x }, { alpha }) => t.elu(x, alpha),
  leaky_relu: ({ x }, { slope }) => t.leakyRelu(x, slope),
  abs: unary((x) => x.abs()),
  sign: unary((x) => x.sign()),
  clamp: ({ x }, { min, max }) =>
    t.clamp(x, { ...(min === undefined ? {} : { min }), ...(max === undefined ? {} : { max }) }),
  log: unary((x) => x.log()),
  sqrt: unary((x) => x.sqrt()),
  rsqrt: unary(t.rsqrt),
  reciprocal: unary((x) => x.reciprocal()),
  pow: ({ x, y }, { exponent }) => x.pow(exponent ?? y),
  log1p: unary(t.log1p),
  expm1: unary(t.expm1),
  atan: unary((x) => x.atan()),
  rounding: ({ x }) => ({
    floor: x.floor(),
    round: x.round(),
    ceil: t.ceil(x),
    trunc: t.trunc(x),
  }),
  maximum: binary((a, b) => a.max(b)),
  minimum: binary((a, b) => a.min(b)),
  where: ({ mask, a, b }) => mask.where(a, b),
  masked_fill: ({ x, mask }, { value = 0 }) => t.maskedFill(x, mask, value),
  geglu: ({ x, weight, bias }) => t.geglu(t.linear(x, weight, bias)),
  swiglu: unary(t.swiglu),
  add: binary((a, b) => a.add(b)),
  sub: binary((a, b) => a.sub(b)),
  mul: binary((a, b) => a.mul(b)),
  div: binary((a, b) => a.div(b)),
  scale_shift: ({ x, scale, shift }) =>
    x.mul(scale.reshape(2, 3, 1, 1).add(1)).add(shift.reshape(2, 3, 1, 1)),
  fan_out: unary((x) => x.mul(x.sin()).add(x)),
  cast: ({ x }, { to }) => {
    const half = x.cast(to === "float16" ? "f16" : "bf16");
    return { half, back: half.cast("f32") };
  },
};

const reductions: Record<string, GoldenOp> = {
  sum: ({ x }, { axes, keepdim }) => x.sum(axes, { keepdims: keepdim }),
  mean: ({ x }, { axes, keepdim }) => x.mean(axes, { keepdims: keepdim }),
  var: ({ x }, { axes, keepdim = false, correction }) =>
    t.variance(x, { axes, keepdims: keepdim, correction }),
  std: ({ x }, { axes, keepdim = false, correction }) =>
    t.std(x, { axes, keepdims: keepdim, correction }),
  amax: ({ x }, { axes, keepdim }) => x.reduceMax(axes, { keepdims: keepdim }),
  amin: ({ x }, { axes, keepdim }) => x.reduceMin(axes, { keepdims: keepdim }),
  argmax: ({ x }, { axis }) => x.argMax(axis).squeeze(axis),
  norm: ({ x }, { axes, keepdim = false }) => t.norm(x, { axes, keepdims: keepdim }),
  prod: ({ x }, { axis }) => t.prod(x, axis),
  cumsum: ({ x }, { axis }) => x.cumSum(axis),
  cumprod: ({ x }, { axis }) => t.cumProd(x, axis),
  quantile: ({ x }, { q, axis }) => t.quantile(x, q, axis),
  sort: ({ x }, { axis, k }) => {
    const [sorted, order] = t.sort(x, { axis });
    const [top, which] = x.topK(k, { axis, largest: true });
    return { sorted, order, top, which };
  },
};

const layout: Record<string, GoldenOp> = {
  embedding: ({ weight, ids }) => weight.gather(ids),
  gather: ({ x, index }, { axis }) => x.gatherElements(index, axis),
  index_select: ({ x, index }, { axis }) => x.gather(index, axis),
  scatter_add: ({ x, index, source }, { axis }) => t.scatterAdd(x, index, source, axis),
  index_add: ({ x, index, source }) => t.indexAdd(x, index, source),
  one_hot: ({ ids }, { classes }) => t.oneHot(ids, classes),
  concat: ({ a, b, c }, { axis }) => t.concat([a, b, c], axis),
  split: ({ x }, { axis, sizes }) => {
    const [a, b, c] = x.split(axis, sizes);
    return { a, b, c };
  },
  chunk: ({ x }, { axis, chunks }) => {
    const [a, b] = t.chunk(x, chunks, axis);
    return { a, b };
  },
  stack: ({ a, b }, { axis }) => t.stack([a, b], axis),
  slice: ({ x }, { formula, starts, ends, axes, steps }) =>
    formula
      ? t.select(x, 1, 2).unsqueeze(1).mul(x)
      : axes.reduce((y, axis, i) => y.slice(axis, starts[i], ends[i], steps[i]), x),
  pad: ({ x }, { widths, mode, value = 0 }) => t.pad(x, widths, { mode: mode as t.PadMode, value }),
  permute: ({ x }, { axes }) => x.transpose(...axes),
  transpose: ({ x }, { axes: [a, b] }) =>
    x.transpose(...x.shape.map((_, i) => (i === a ? b : i === b ? a : i))),
  reshape: ({ x }, { shape }) => x.reshape(...shape),
  split_heads: ({ x }, { heads }) => t.splitHeads(x, heads),
  expand: ({ x }, { shape }) => x.expand(...shape),
  repeat: ({ x }, { repeats }) => t.repeat(x, repeats),
  repeat_interleave: ({ x }, { repeats, axis }) => t.repeatInterleave(x, repeats, axis),
  flip: ({ x }, { axes }) => t.flip(x, axes),
  roll: ({ x }, { axes, shifts }) => axes.reduce((y, axis, i) => t.roll(y, shifts[i], axis), x),
  tril: ({ x }, { diagonal }) => t.tril(x, diagonal),
  triu: ({ x }, { diagonal }) => t.triu(x, diagonal),
  patchify: ({ x }, { patch }) => t.patchify(x, patch),
  unfold: ({ x }, { kernel, padding = 0, stride = 1 }) => t.unfold(x, { kernel, padding, stride }),
  pixel_shuffle: ({ x }, { factor }) => t.pixelShuffle(x, factor),
  pixel_unshuffle: ({ x }, { factor }) => t.pixelUnshuffle(x, factor),
};

const resampling: Record<string, GoldenOp> = {
  interpolate: ({ x }, { size, scale_factor, mode, align_corners, antialias }) =>
    t.interpolate(x, {
      ...(scale_factor === undefined ? { size } : { scale: scale_factor }),
      mode: mode as t.ResizeMode,
      alignCorners: align_corners ?? false,
      antialias: antialias ?? false,
    }),
  avg_pool2d: ({ x }, { kernel, stride = kernel, padding = 0, count_include_pad = true }) => {
    const count = count_include_pad ? "padding" : "elements";
    return t.avgPool(x, { kernel, stride, padding, count });
  },
  max_pool2d: ({ x }, { kernel, stride = kernel, padding = 0 }) =>
    t.maxPool(x, { kernel, stride, padding }),
  adaptive_avg_pool2d: ({ x }, { size }) => t.adaptiveAvgPool(x, size),
  grid_sample: ({ x, grid }, { align_corners = false }) =>
    t.gridSample(x, grid, { alignCorners: align_corners }),
};

const losses: Record<string, GoldenOp> = {
  mse: ({ x, target }, { reduction }) => t.mse(x, target, reduction),
  l1: ({ x, target }, { reduction }) => t.l1(x, target, reduction),
  huber: ({ x, target }, { delta, reduction }) => t.huber(x, target, { delta, reduction }),
  smooth_l1: ({ x, target }, { beta = 1, reduction }) => t.smoothL1(x, target, { beta, reduction }),
  pseudo_huber: ({ x, target }, { c }) => t.pseudoHuber(x, target, { c }),
  bce_with_logits: ({ x, target }, { reduction }) => t.bceWithLogits(x, target, reduction),
  cross_entropy: ({ x, target }, { reduction, label_smoothing: labelSmoothing = 0 }) =>
    t.crossEntropy(x, target, { reduction, labelSmoothing }),
  kl: ({ mean, logvar, mean1, logvar1, mean2, logvar2 }) =>
    mean
      ? t.klToStandard({ mean, logVariance: logvar }).sum([1, 2, 3])
      : t.klOfGaussians(
          { mean: mean1, logVariance: logvar1 },
          { mean: mean2, logVariance: logvar2 },
        ),
  hinge: ({ real, fake }) => t.hingeLoss(real, fake),
  gram: ({ x, target }) => t.mse(t.gram(x), t.gram(target)),
};

/** One row per operation named in the goldens. */
export const goldenOps: Record<string, GoldenOp> = {
  ...products,
  ...norms,
  ...pointwise,
  ...reductions,
  ...layout,
  ...resampling,
  ...losses,
  timestep_embedding: ({ t: time }, { dim, flip_sin_to_cos, downscale_freq_shift: shift }) =>
    timestepEmbedding(time, dim, { order: flip_sin_to_cos ? "cos-sin" : "sin-cos", shift }),
};
