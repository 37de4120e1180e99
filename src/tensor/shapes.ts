/** @file The type of every op's outputs from the types of its inputs: one row per op. */
import { ShapeError, sizeOf, type DType } from "../base/index.ts";
import { axisOf, broadcastShape, windowLength } from "./broadcast.ts";
import type { Attrs, ConvAttrs, Inputs, OpName } from "./ops.ts";
import { show, type Operand, type TensorType } from "./type.ts";

type ShapeRule<K extends OpName> = (
  inputs: Inputs<K, Operand>,
  attrs: Attrs<K>,
) => readonly TensorType[];

function sameDtype(op: string, operands: readonly Operand[]): DType {
  const [first] = operands;
  if (operands.some((x) => x.dtype !== first.dtype))
    throw new ShapeError(`${op}: dtypes differ (${operands.map(show).join(", ")})`);
  return first.dtype;
}

const given = (...operands: readonly (Operand | null)[]): Operand[] =>
  operands.filter((x) => x !== null);

function requireDtype(op: string, x: Operand, ...allowed: DType[]): void {
  if (!allowed.includes(x.dtype))
    throw new ShapeError(`${op}: needs ${allowed.join(" or ")}, got ${show(x)}`);
}

function fail(op: string, message: string, ...operands: (Operand | null)[]): never {
  const shown = operands.filter((x) => x !== null).map(show);
  throw new ShapeError(`${op}: ${message} (${shown.join(", ")})`);
}

const unary =
  (op: string) =>
  ([x]: [Operand]): TensorType[] => {
    requireDtype(op, x, "f32", "f64", "f16", "bf16", "i32", "i64");
    return [{ dtype: x.dtype, shape: x.shape }];
  };
const binary =
  (op: string) =>
  (inputs: [Operand, Operand]): TensorType[] => [
    { dtype: sameDtype(op, inputs), shape: broadcastShape(op, inputs) },
  ];
const compare =
  (op: string) =>
  (inputs: [Operand, Operand]): TensorType[] => {
    sameDtype(op, inputs);
    return [{ dtype: "bool", shape: broadcastShape(op, inputs) }];
  };
const logical =
  (op: string) =>
  (inputs: [Operand, Operand]): TensorType[] => {
    inputs.forEach((x) => requireDtype(op, x, "bool"));
    return [{ dtype: "bool", shape: broadcastShape(op, inputs) }];
  };
const reduce =
  (op: string) =>
  ([x]: [Operand], { axes, keepdims }: Attrs<"ReduceSum">): TensorType[] => {
    const reduced = new Set(axes.map((a) => axisOf(a, x.shape.length, op)));
    const shape = keepdims
      ? x.shape.map((n, i) => (reduced.has(i) ? 1 : n))
      : x.shape.filter((_, i) => !reduced.has(i));
    return [{ dtype: x.dtype, shape }];
  };
const same = ([x]: [Operand, ...unknown[]]): TensorType[] => [{ dtype: x.dtype, shape: x.shape }];
const leaf = (_: [], { dtype, shape }: TensorType): TensorType[] => [{ dtype, shape }];

function convShape(
  op: string,
  [x, w, bias]: Inputs<"Conv", Operand>,
  { strides, pads, dilations, group }: ConvAttrs,
): TensorType[] {
  const n = x.shape.length - 2;
  if (n < 1 || w.shape.length !== n + 2) fail(op, "input and weight need the same rank", x, w);
  if (strides.length !== n || dilations.length !== n || pads.length !== 2 * n)
    fail(op, `attributes do not describe ${n} spatial axes`, x, w);
  const [batch, channels] = x.shape as [number, number];
  const [out, perGroup] = w.shape as [number, number];
  if (channels !== perGroup * group || out % group !== 0)
    fail(op, `input has ${channels} channels but the weight expects ${perGroup * group}`, x, w);
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== out)) fail(op, "bad bias", x, w, bias);
  const space = strides.map((stride, i) =>
    windowLength(x.shape[i + 2], {
      kernel: w.shape[i + 2],
      stride,
      dilation: dilations[i],
      pad: pads[i] + pads[i + n],
    }),
  );
  if (space.some((s) => s < 1)) fail(op, "the window is larger than the input", x, w);
  return [{ dtype: sameDtype(op, given(x, w, bias)), shape: [batch, out, ...space] }];
}

function convTransposeShape(
  [x, w, bias]: Inputs<"ConvTranspose", Operand>,
  { strides, pads, dilations, group, outputPadding }: Attrs<"ConvTranspose">,
): TensorType[] {
  const op = "ConvTranspose";
  const n = x.shape.length - 2;
  if (n < 1 || w.shape.length !== n + 2) fail(op, "input and weight need the same rank", x, w);
  const [batch, channels] = x.shape as [number, number];
  const [inChannels, perGroup] = w.shape as [number, number];
  if (![strides, dilations, outputPadding, pads.slice(n)].every((list) => list.length === n))
    fail(op, `attributes do not describe ${n} spatial axes`, x, w);
  // PyTorch allows more where the dilation is larger; engines, which count back to the input's size, do not.
  const excess = outputPadding.findIndex((padding, i) => !(padding >= 0 && padding < strides[i]));
  if (excess >= 0)
    fail(
      op,
      `the output padding ${outputPadding[excess]} is not below the stride ${strides[excess]}`,
      x,
      w,
    );
  if (channels !== inChannels || channels % group !== 0)
    fail(op, `input has ${channels} channels but the weight expects ${inChannels}`, x, w);
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== perGroup * group))
    fail(op, "bad bias", x, w, bias);
  const space = strides.map(
    (stride, i) =>
      (x.shape[i + 2] - 1) * stride -
      pads[i] -
      pads[i + n] +
      dilations[i] * (w.shape[i + 2] - 1) +
      outputPadding[i] +
      1,
  );
  if (space.some((s) => s < 1)) fail(op, "the padding leaves nothing of the output", x, w);
  return [{ dtype: sameDtype(op, given(x, w, bias)), shape: [batch, perGroup * group, ...space] }];
}

function matMulShape(inputs: [Operand, Operand]): TensorType[] {
  const [a, b] = inputs;
  const [m, k] = a.shape.slice(-2) as [number, number];
  const [k2, n] = b.shape.slice(-2) as [number, number];
  if (a.shape.length < 2 || b.shape.length < 2) fail("MatMul", "needs at least two axes", a, b);
  if (k !== k2) fail("MatMul", `inner axes differ, ${k} and ${k2}`, a, b);
  const batch = broadcastShape("MatMul", [
    { ...a, shape: a.shape.slice(0, -2) },
    { ...b, shape: b.shape.slice(0, -2) },
  ]);
  return [{ dtype: sameDtype("MatMul", inputs), shape: [...batch, m, n] }];
}

function sliceShape([x]: [Operand], { starts, ends, axes, steps }: Attrs<"Slice">): TensorType[] {
  const shape = [...x.shape];
  axes.forEach((axis, i) => {
    const a = axisOf(axis, shape.length, "Slice");
    const [start, end, step] = [starts[i], ends[i], steps[i]];
    const fits =
      step > 0
        ? 0 <= start && start <= end && end <= shape[a]
        : step < 0 && -1 <= end && end <= start && start < shape[a];
    if (!fits) fail("Slice", `[${start}:${end}:${step}] leaves axis ${a}`, x);
    shape[a] = Math.max(0, Math.ceil((end - start) / step));
  });
  return [{ dtype: x.dtype, shape }];
}

function concatShape(inputs: Operand[], { axis }: Attrs<"Concat">): TensorType[] {
  const [first] = inputs;
  if (!first) fail("Concat", "needs at least one tensor");
  const a = axisOf(axis, first.shape.length, "Concat");
  for (const x of inputs)
    if (
      x.shape.length !== first.shape.length ||
      x.shape.some((n, i) => i !== a && n !== first.shape[i])
    )
      fail("Concat", `shapes differ outside axis ${a}`, ...inputs);
  const shape = [...first.shape];
  shape[a] = inputs.reduce((sum, x) => sum + x.shape[a], 0);
  return [{ dtype: sameDtype("Concat", inputs), shape }];
}

function attentionShape(
  [q, k, v, mask]: Inputs<"Attention", Operand>,
  { heads }: Attrs<"Attention">,
) {
  const op = "Attention";
  if ([q, k, v].some((x) => x.shape.length !== 3))
    fail(op, "needs [batch, tokens, width]", q, k, v);
  if (!(heads >= 1) || q.shape[2] % heads || k.shape[2] !== q.shape[2] || v.shape[2] % heads)
    fail(op, `widths do not split into ${heads} heads`, q, k, v);
  if (k.shape[1] !== v.shape[1] || k.shape[0] !== q.shape[0] || v.shape[0] !== q.shape[0])
    fail(op, "keys and values do not fit the queries", q, k, v);
  const scores = { dtype: q.dtype, shape: [q.shape[0], heads, q.shape[1], k.shape[1]] };
  if (mask && broadcastShape(op, [mask, scores]).join() !== scores.shape.join())
    fail(op, `the mask does not broadcast to ${show(scores)}`, mask);
  const dtype = sameDtype(op, given(q, k, v, mask));
  return [{ dtype, shape: [q.shape[0], q.shape[1], v.shape[2]] }];
}

function linearShape([x, w, bias]: Inputs<"Linear", Operand>): TensorType[] {
  const width = x.shape[x.shape.length - 1];
  if (x.shape.length < 2) fail("Linear", "needs rows, at least two axes", x, w);
  if (w.shape.length !== 2 || width !== w.shape[1])
    fail("Linear", `input is ${width} wide but the weight expects ${w.shape[1]}`, x, w);
  if (bias && (bias.shape.length !== 1 || bias.shape[0] !== w.shape[0]))
    fail("Linear", "bad bias", x, w, bias);
  const dtype = sameDtype("Linear", given(x, w, bias));
  return [{ dtype, shape: [...x.shape.slice(0, -1), w.shape[0]] }];
}

function groupNormShape([x, w, b]: Inputs<"GroupNorm", Operand>, { groups }: Attrs<"GroupNorm">) {
  if (x.shape.length < 2 || !(groups >= 1) || x.shape[1] % groups)
    fail("GroupNorm", `channels do not split into ${groups} groups`, x);
  for (const p of [w, b])
    if (p && (p.shape.length !== 1 || p.shape[0] !== x.shape[1]))
      fail("GroupNorm", "bad affine", x, p);
  return [{ dtype: sameDtype("GroupNorm", given(x, w, b)), shape: x.shape }];
}

function layerNormShape([x, w, b]: Inputs<"LayerNorm", Operand>, { axes }: Attrs<"LayerNorm">) {
  const normalised = x.shape.slice(x.shape.length - axes);
  for (const p of [w, b])
    if (p && p.shape.join() !== normalised.join())
      fail("LayerNorm", `affine does not fit [${normalised.join(",")}]`, x, p);
  return [{ dtype: sameDtype("LayerNorm", given(x, w, b)), shape: x.shape }];
}

/** Types of the outputs, or a ShapeError that names the operands. */
export const shapeRules: { readonly [K in OpName]: ShapeRule<K> } = {
  Input: leaf,
  Parameter: leaf,
  Constant: leaf,
  Neg: unary("Neg"),
  Abs: unary("Abs"),
  Sign: unary("Sign"),
  Exp: unary("Exp"),
  Log: unary("Log"),
  Sqrt: unary("Sqrt"),
  Reciprocal: unary("Reciprocal"),
  Sin: unary("Sin"),
  Cos: unary("Cos"),
  Atan: unary("Atan"),
  Tanh: unary("Tanh"),
  Sigmoid: unary("Sigmoid"),
  Erf: unary("Erf"),
  Floor: unary("Floor"),
  Round: unary("Round"),
  Not: ([x]) => {
    requireDtype("Not", x, "bool");
    return [{ dtype: "bool", shape: x.shape }];
  },
  Add: binary("Add"),
  Sub: binary("Sub"),
  Mul: binary("Mul"),
  Div: binary("Div"),
  Pow: binary("Pow"),
  Max: binary("Max"),
  Min: binary("Min"),
  Equal: compare("Equal"),
  Greater: compare("Greater"),
  Less: compare("Less"),
  And: logical("And"),
  Or: logical("Or"),
  Where: ([c, a, b]) => {
    requireDtype("Where", c, "bool");
    return [{ dtype: sameDtype("Where", [a, b]), shape: broadcastShape("Where", [c, a, b]) }];
  },
  Cast: ([x], { to }) => [{ dtype: to, shape: x.shape }],
  ReduceSum: reduce("ReduceSum"),
  ReduceMean: reduce("ReduceMean"),
  ReduceMax: reduce("ReduceMax"),
  ReduceMin: reduce("ReduceMin"),
  ArgMax: ([x], { axis }) => {
    const a = axisOf(axis, x.shape.length, "ArgMax");
    return [{ dtype: "i64", shape: x.shape.map((n, i) => (i === a ? 1 : n)) }];
  },
  TopK: ([x], { axis, k }) => {
    const a = axisOf(axis, x.shape.length, "TopK");
    if (k < 0 || k > x.shape[a]) fail("TopK", `k is ${k}`, x);
    const shape = x.shape.map((n, i) => (i === a ? k : n));
    return [
      { dtype: x.dtype, shape },
      { dtype: "i64", shape },
    ];
  },
  CumSum: ([x], { axis }) => {
    axisOf(axis, x.shape.length, "CumSum");
    return same([x]);
  },
  MatMul: matMulShape,
  Conv: (inputs, attrs) => convShape("Conv", inputs, attrs),
  ConvTranspose: convTransposeShape,
  Reshape: ([x], { shape }) => {
    if (sizeOf(shape) !== sizeOf(x.shape))
      fail("Reshape", `[${shape.join(",")}] holds another number of elements`, x);
    return [{ dtype: x.dtype, shape }];
  },
  Transpose: ([x], { perm }) => {
    if ([...perm].sort((a, b) => a - b).join() !== x.shape.map((_, i) => i).join())
      fail("Transpose", `[${perm.join(",")}] is no permutation of its axes`, x);
    return [{ dtype: x.dtype, shape: perm.map((p) => x.shape[p]) }];
  },
  Expand: ([x], { shape }) => {
    const to = broadcastShape("Expand", [x, { dtype: x.dtype, shape }]);
    if (to.join() !== shape.join()) fail("Expand", `does not broadcast to [${shape.join(",")}]`, x);
    return [{ dtype: x.dtype, shape }];
  },
  Slice: sliceShape,
  Concat: concatShape,
  Split: ([x], { axis, sizes }) => {
    const a = axisOf(axis, x.shape.length, "Split");
    if (sizes.reduce((s, n) => s + n, 0) !== x.shape[a])
      fail("Split", `sizes ${sizes.join("+")} do not fill axis ${a}`, x);
    return sizes.map((size) => ({
      dtype: x.dtype,
      shape: x.shape.map((n, i) => (i === a ? size : n)),
    }));
  },
  Pad: ([x], { pads }) => {
    const rank = x.shape.length;
    if (pads.length !== 2 * rank || pads.some((p) => p < 0)) fail("Pad", `pads ${pads.join()}`, x);
    return [{ dtype: x.dtype, shape: x.shape.map((n, i) => n + pads[i] + pads[i + rank]) }];
  },
  Gather: ([x, indices], { axis }) => {
    const a = axisOf(axis, x.shape.length, "Gather");
    requireDtype("Gather", indices, "i32", "i64");
    const shape = [...x.shape.slice(0, a), ...indices.shape, ...x.shape.slice(a + 1)];
    return [{ dtype: x.dtype, shape }];
  },
  GatherElements: ([x, indices], { axis }) => {
    axisOf(axis, x.shape.length, "GatherElements");
    requireDtype("GatherElements", indices, "i32", "i64");
    if (indices.shape.length !== x.shape.length) fail("GatherElements", "ranks differ", x, indices);
    return [{ dtype: x.dtype, shape: indices.shape }];
  },
  ScatterElements: ([data, indices, updates], { axis }) => {
    axisOf(axis, data.shape.length, "ScatterElements");
    requireDtype("ScatterElements", indices, "i32", "i64");
    if (indices.shape.join() !== updates.shape.join())
      fail("ScatterElements", "indices and updates differ", data, indices, updates);
    return same([data]);
  },
  ScatterND: ([data, indices, updates]) => {
    requireDtype("ScatterND", indices, "i64");
    if (updates.shape.join() !== [...indices.shape, ...data.shape.slice(1)].join())
      fail("ScatterND", "updates are not one row per index", data, indices, updates);
    return same([data]);
  },
  Softmax: ([x], { axis }) => {
    axisOf(axis, x.shape.length, "Softmax");
    return same([x]);
  },
  Silu: unary("Silu"),
  Gelu: unary("Gelu"),
  LayerNorm: layerNormShape,
  GroupNorm: groupNormShape,
  Attention: attentionShape,
  Linear: linearShape,
  ConvGradWeight: ([x, dy], { kernel, group, ...attrs }) => {
    const shape = [dy.shape[1], x.shape[1] / group, ...kernel];
    const [y] = convShape("ConvGradWeight", [x, { dtype: x.dtype, shape }, null], {
      ...attrs,
      group,
    });
    if (y.shape.join() !== dy.shape.join()) fail("ConvGradWeight", "window does not fit", x, dy);
    return [{ dtype: sameDtype("ConvGradWeight", [x, dy]), shape }];
  },
  Enlarge: ([x], { times }) => {
    const first = x.shape.length - times.length;
    if (first < 0 || times.some((count) => !Number.isInteger(count) || count < 1))
      fail("Enlarge", `cannot repeat by [${times.join()}]`, x);
    return [{ dtype: x.dtype, shape: x.shape.map((n, i) => n * (times[i - first] ?? 1)) }];
  },
  SumPool: ([x], { times }) => {
    const first = x.shape.length - times.length;
    const isWhole = (count: number, i: number) =>
      Number.isInteger(count) && count >= 1 && x.shape[first + i] % count === 0;
    if (first < 0 || !times.every(isWhole))
      fail("SumPool", `blocks of [${times.join()}] must fill the last axes`, x);
    return [{ dtype: x.dtype, shape: x.shape.map((n, i) => n / (times[i - first] ?? 1)) }];
  },
  Detach: same,
};
