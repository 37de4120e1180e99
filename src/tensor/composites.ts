/** @file Named composites: their functions, and the bodies of primitives that define what they mean. */
import { assert, type DType } from "../base/index.ts";
import type { Attrs, CompositeName, ConvAttrs, Inputs } from "./ops.ts";
import { applyOne, constant, scalar, type Tensor } from "./tensor.ts";
import { offsetsOf } from "./windows.ts";

/** softmax(x)ᵢ = exp(xᵢ − max x) / Σⱼ exp(xⱼ − max x) along `axis`. */
export function softmax(x: Tensor, axis = -1): Tensor {
  return applyOne("Softmax", [x], { axis: axis < 0 ? axis + x.rank : axis });
}

/** x · σ(x): Elfwing et al. 2017; also called swish. */
export function silu(x: Tensor): Tensor {
  return applyOne("Silu", [x], {});
}

/** x · Φ(x), exactly by erf, or approximated by tanh, or as x · σ(1.702 x) (quick GELU): Hendrycks & Gimpel 2016. */
export function gelu(x: Tensor, approximate: Attrs<"Gelu">["approximate"] = "none"): Tensor {
  return applyOne("Gelu", [x], { approximate });
}

/** (x − mean) / √(var + eps) · weight + bias over the last `axes` axes: Ba et al. 2016. */
export function layerNorm(
  x: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  { axes = 1, eps = 1e-5 } = {},
): Tensor {
  return applyOne("LayerNorm", [x, weight, bias], { axes, eps });
}

/** Each group of channels of [N,C,…] normalised over itself and all positions: Wu & He 2018. */
export function groupNorm(
  x: Tensor,
  weight: Tensor | null,
  bias: Tensor | null,
  { groups, eps = 1e-5 }: { groups: number; eps?: number },
): Tensor {
  return applyOne("GroupNorm", [x, weight, bias], { groups, eps });
}

/**
 * softmax(q kᵀ · scale + mask) v per head, heads side by side in the last axis: Vaswani et al. 2017.
 * q [B,S,H·D], k [B,L,H·D], v [B,L,H·E]; scale defaults to D^−½. `mask` broadcasts to [B,H,S,L]:
 * numbers are added to the scores, a bool mask says what may be seen.
 */
export function attention(
  q: Tensor,
  k: Tensor,
  v: Tensor,
  options: { heads: number; scale?: number; causal?: boolean; mask?: Tensor | null },
): Tensor {
  const { heads, scale = (q.shape[2] / heads) ** -0.5, causal = false, mask = null } = options;
  const hidden = scalar(unseen, q.dtype);
  const added = mask?.dtype === "bool" ? mask.where(scalar(0, q.dtype), hidden) : mask;
  return applyOne("Attention", [q, k, v, added], { heads, scale, causal });
}

/** x Wᵀ + b with torch's weight layout [out, in]. */
export function linear(x: Tensor, weight: Tensor, bias: Tensor | null = null): Tensor {
  return applyOne("Linear", [x, weight, bias], {});
}

/** Gradient of `conv` for its weight; see the row in `ops.ts`. */
export function convGradWeight(
  x: Tensor,
  dy: Tensor,
  attrs: ConvAttrs & { kernel: readonly number[] },
): Tensor {
  return applyOne("ConvGradWeight", [x, dy], attrs);
}

/** The same value, through which no gradient flows. */
export function detach(x: Tensor): Tensor {
  return applyOne("Detach", [x], {});
}

/** Tensors side by side along an axis. */
export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  const [first] = tensors;
  assert(first, "concat needs at least one tensor");
  if (tensors.length === 1) return first;
  return applyOne("Concat", [...tensors], { axis: axis < 0 ? axis + first.rank : axis });
}

/** x − mean and √(var + eps) over `axes`, with the biased variance: what normalisations divide. */
export function deviations(
  x: Tensor,
  axes: readonly number[],
  eps: number,
): [centred: Tensor, deviation: Tensor] {
  const centred = x.sub(x.mean(axes, { keepdims: true }));
  const variance = centred.mul(centred).mean(axes, { keepdims: true });
  return [centred, variance.add(eps).sqrt()];
}

function standardise(x: Tensor, axes: readonly number[], eps: number): Tensor {
  const [centred, deviation] = deviations(x, axes, eps);
  return centred.div(deviation);
}

function affine(x: Tensor, weight: Tensor | null, bias: Tensor | null): Tensor {
  const scaled = weight ? x.mul(weight) : x;
  return bias ? scaled.add(bias) : scaled;
}

/** [B,S,H·D] → [B,H,S,D]. */
export function splitHeads(x: Tensor, heads: number): Tensor {
  return x.reshape(0, 0, heads, -1).transpose(0, 2, 1, 3);
}

/** Stands for −∞ in scores: finite, for gradients' sake. */
const unseen = -1e30;

/** What may not be seen above the diagonal of [rows, columns], aligned at the top left. */
export function causalMask(rows: number, columns: number, dtype: DType = "f32"): Tensor {
  const values = Float32Array.from({ length: rows * columns }, (_, i) =>
    i % columns > Math.floor(i / columns) ? unseen : 0,
  );
  return constant(values, [rows, columns]).cast(dtype);
}

function attentionBody(
  [q, k, v, mask]: Inputs<"Attention", Tensor>,
  { heads, scale, causal }: Attrs<"Attention">,
): Tensor {
  const [qh, kh, vh] = [q, k, v].map((x) => splitHeads(x, heads)) as [Tensor, Tensor, Tensor];
  let scores = qh.mul(scale).matmul(kh.transpose());
  if (causal) scores = scores.add(causalMask(q.shape[1], k.shape[1], q.dtype));
  if (mask) scores = scores.add(mask);
  const out = softmax(scores, -1).matmul(vh); // [B,H,S,E]
  return out.transpose(0, 2, 1, 3).reshape(q.shape[0], q.shape[1], -1);
}

/**
 * Every kernel offset is one matrix product of dy with the input shifted by it. Channels go last first, so that a
 * shift copies whole rows of pixels and is a factor as it stands: moving them for each offset would cost more than
 * the products.
 */
function convGradWeightBody(
  [x, dy]: Inputs<"ConvGradWeight", Tensor>,
  { kernel, strides, pads, dilations, group }: Attrs<"ConvGradWeight">,
): Tensor {
  const [out, channels] = [dy.shape[1], x.shape[1]];
  const n = kernel.length;
  const space = kernel.map((_, i) => i + 2);
  const padded = x
    .transpose(0, ...space, 1)
    .pad([0, ...pads.slice(0, n), 0, 0, ...pads.slice(n), 0]); // [N,…,C]
  const grads = dy.transpose(1, 0, ...space).reshape(group, out / group, -1); // [G,M/G,N·P]
  const taps = offsetsOf(kernel).map((offset) => {
    const window = offset.reduce((seen, o, i) => {
      const start = o * dilations[i];
      const span = (dy.shape[i + 2] - 1) * strides[i] + 1;
      return seen.slice(i + 1, start, start + span, strides[i]);
    }, padded);
    const rows = window.reshape(-1, group, channels / group); // [N·P,G,C/G]
    const perGroup = group === 1 ? rows.reshape(1, -1, channels) : rows.transpose(1, 0, 2);
    return grads.matmul(perGroup); // [G,M/G,C/G]
  });
  const stacked = concat(
    taps.map((tap) => tap.reshape(1, -1)),
    0,
  );
  // A product with the identity turns [taps, M·C] over several times faster than engines move single elements.
  return stacked
    .transpose()
    .matmul(identity(taps.length))
    .reshape(out, channels / group, ...kernel);
}

/** Each element of an axis so many times, one beside the other. */
function repeated(x: Tensor, count: number, axis: number): Tensor {
  if (count === 1) return x;
  const wide = [...x.shape.slice(0, axis + 1), count, ...x.shape.slice(axis + 1)];
  const long = x.shape.map((n, i) => (i === axis ? n * count : n));
  return x
    .unsqueeze(axis + 1)
    .expand(...wide)
    .reshape(...long);
}

const lastAxes = (x: Tensor, count: number) =>
  Array.from({ length: count }, (_, i) => x.rank - count + i);

/** Each element of the last axes repeated so many times along them: [..., h, w] → [..., h·t₀, w·t₁], as torch's nearest-neighbour upsampling does. */
export function enlarge(x: Tensor, times: readonly number[]): Tensor {
  return times.every((count) => count === 1) ? x : applyOne("Enlarge", [x], { times });
}

/** Sums over blocks of the last axes: [..., h·t₀, w·t₁] → [..., h, w], the adjoint of `enlarge`. */
export function sumPool(x: Tensor, times: readonly number[]): Tensor {
  return applyOne("SumPool", [x], { times });
}

/** What each composite means, in primitives (and other composites). */
export const compositeBodies: {
  readonly [K in CompositeName]: (inputs: Inputs<K, Tensor>, attrs: Attrs<K>) => Tensor;
} = {
  Softmax: ([x], { axis }) => {
    const e = x.sub(x.reduceMax([axis], { keepdims: true })).exp();
    return e.div(e.sum([axis], { keepdims: true }));
  },
  Silu: ([x]) => x.mul(x.sigmoid()),
  Gelu: ([x], { approximate }) => {
    if (approximate === "sigmoid") return x.mul(x.mul(1.702).sigmoid());
    if (approximate === "none") return x.mul(0.5).mul(x.mul(Math.SQRT1_2).erf().add(1));
    const inner = x.add(x.mul(x).mul(x).mul(0.044715)).mul(Math.sqrt(2 / Math.PI));
    return x.mul(0.5).mul(inner.tanh().add(1));
  },
  LayerNorm: ([x, weight, bias], { axes, eps }) =>
    affine(standardise(x, lastAxes(x, axes), eps), weight, bias),
  GroupNorm: ([x, weight, bias], { groups, eps }) => {
    const grouped = standardise(x.reshape(x.shape[0], groups, -1), [2], eps);
    const perChannel = (p: Tensor | null) =>
      p?.reshape(-1, ...x.shape.slice(2).map(() => 1)) ?? null;
    return affine(grouped.reshape(...x.shape), perChannel(weight), perChannel(bias));
  },
  Attention: attentionBody,
  Linear: ([x, weight, bias]) => affine(x.matmul(weight.transpose()), null, bias),
  ConvGradWeight: convGradWeightBody,
  Enlarge: ([x], { times }) => {
    const first = x.rank - times.length;
    return times.reduce((y, count, i) => repeated(y, count, first + i), x);
  },
  SumPool: ([x], { times }) => {
    const first = x.rank - times.length;
    const parted = x.shape.flatMap((n, i) =>
      i < first ? [n] : [n / times[i - first], times[i - first]],
    );
    return x.reshape(...parted).sum(times.map((_, i) => first + 2 * i + 1));
  },
  Detach: ([x]) => x,
};

/** The body of a composite node, applied to its inputs: the same value from primitives. */
export function expandComposite<K extends CompositeName>(
  op: K,
  inputs: Inputs<K, Tensor>,
  attrs: Attrs<K>,
): Tensor {
  const body = compositeBodies[op];
  return body(inputs, attrs);
}

/** True for ops that have a body. */
export function isComposite(op: string): op is CompositeName {
  return Object.hasOwn(compositeBodies, op);
}

/** The n × n identity matrix. */
export function identity(n: number): Tensor {
  const ones = Float32Array.from({ length: n * n }, (_, i) => Number(i % (n + 1) === 0));
  return constant(ones, [n, n]);
}

/** A tensor of one value. */
export function full(value: number, shape: readonly number[], dtype: DType = "f32"): Tensor {
  return scalar(value, dtype).expand(...shape);
}
