/** @file Every row of the differentiation table against central differences on random operands. */
import { expect, test } from "vitest";
import { checkOp, type OpCase } from "../../tests/reference/check-op.ts";
import { value } from "../runtime/index.ts";
import {
  apply,
  applyOne,
  attention,
  concat,
  constant,
  conv,
  convGradWeight,
  convTranspose,
  enlarge,
  sumPool,
  gelu,
  groupNorm,
  layerNorm,
  linear,
  silu,
  softmax,
  type Tensor,
} from "../tensor/index.ts";
import { vjpRules } from "./rules.ts";

const positive = (n: number) => 0.5 + Math.abs(n);
/** Away from the kinks at whole numbers and halves. */
const between = (n: number) => Math.round(n * 2) / 2 + 0.25;
const ids = (shape: number[], ...numbers: number[]) => ({
  shape,
  given: value(numbers, shape, "i64"),
});
const erf = (x: number) => {
  // Series of erf, enough terms for |x| < 4.
  let [term, sum] = [x, x];
  for (let n = 1; n < 60; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
};
const each = (f: (n: number) => number) => (x: readonly number[]) => x.map(f);
const window = { strides: [1, 1], pads: [0, 0, 0, 0], dilations: [1, 1], group: 1 };

const cases: Record<string, OpCase> = {
  Neg: { operands: [[2, 3]], ours: (x) => x.neg(), naive: each((n) => -n) },
  Abs: { operands: [{ shape: [7], map: between }], ours: (x) => x.abs(), naive: each(Math.abs) },
  Sign: { operands: [{ shape: [7], map: between }], ours: (x) => x.sign(), naive: each(Math.sign) },
  Exp: { operands: [[2, 3]], ours: (x) => x.exp(), naive: each(Math.exp) },
  Log: { operands: [{ shape: [5], map: positive }], ours: (x) => x.log(), naive: each(Math.log) },
  Sqrt: {
    operands: [{ shape: [5], map: positive }],
    ours: (x) => x.sqrt(),
    naive: each(Math.sqrt),
  },
  Reciprocal: {
    operands: [{ shape: [5], map: positive }],
    ours: (x) => x.reciprocal(),
    naive: each((n) => 1 / n),
  },
  Sin: { operands: [[5]], ours: (x) => x.sin(), naive: each(Math.sin) },
  Cos: { operands: [[5]], ours: (x) => x.cos(), naive: each(Math.cos) },
  Atan: { operands: [[5]], ours: (x) => x.atan(), naive: each(Math.atan) },
  Tanh: { operands: [[5]], ours: (x) => x.tanh(), naive: each(Math.tanh) },
  Sigmoid: {
    operands: [[5]],
    ours: (x) => x.sigmoid(),
    naive: each((n) => 1 / (1 + Math.exp(-n))),
  },
  Erf: { operands: [[5]], ours: (x) => x.erf(), naive: each(erf) },
  Floor: {
    operands: [{ shape: [5], map: between }],
    ours: (x) => x.floor(),
    naive: each(Math.floor),
  },
  Round: {
    operands: [{ shape: [5], map: between }],
    ours: (x) => x.round(),
    naive: each(Math.round),
  },
  Add: {
    operands: [[2, 3], [3]],
    ours: (a, b) => a.add(b),
    naive: (a, b) => a.map((n, i) => n + b[i % 3]),
  },
  Sub: {
    operands: [[3], [2, 3]],
    ours: (a, b) => a.sub(b),
    naive: (a, b) => b.map((n, i) => a[i % 3] - n),
  },
  Mul: {
    operands: [
      [2, 1, 3],
      [4, 1],
    ],
    ours: (a, b) => a.mul(b),
    naive: (a, b) =>
      [0, 1].flatMap((i) => b.flatMap((n) => [0, 1, 2].map((j) => a[i * 3 + j] * n))),
  },
  Div: {
    operands: [[2, 3], { shape: [2, 1], map: positive }],
    ours: (a, b) => a.div(b),
    naive: (a, b) => a.map((n, i) => n / b[Math.floor(i / 3)]),
  },
  Pow: {
    operands: [{ shape: [2, 3], map: positive }, [3]],
    ours: (a, b) => a.pow(b),
    naive: (a, b) => a.map((n, i) => n ** b[i % 3]),
  },
  "Pow of a number": { operands: [[6]], ours: (x) => x.pow(3), naive: each((n) => n ** 3) },
  "Pow of one, with more axes": {
    operands: [[6]],
    ours: (x) => x.pow(constant(Float32Array.of(1), [1, 1])).reshape(6),
    naive: each((n) => n),
  },
  "Pow of two": { operands: [[6]], ours: (x) => x.pow(2), naive: each((n) => n * n) },
  Max: {
    operands: [
      { shape: [2, 3], map: between },
      { shape: [3], map: (n: number) => between(n) + 0.2 },
    ],
    ours: (a, b) => a.max(b),
    naive: (a, b) => a.map((n, i) => Math.max(n, b[i % 3])),
  },
  Min: {
    operands: [
      { shape: [2, 3], map: between },
      { shape: [3], map: (n: number) => between(n) + 0.2 },
    ],
    ours: (a, b) => a.min(b),
    naive: (a, b) => a.map((n, i) => Math.min(n, b[i % 3])),
  },
  Where: {
    operands: [{ shape: [2, 3], map: between }, [3], [2, 1]],
    ours: (c, a, b) => c.greater(0).where(a, b),
    naive: (c, a, b) => c.map((n, i) => (n > 0 ? a[i % 3] : b[Math.floor(i / 3)])),
  },
  Cast: { operands: [[5]], ours: (x) => x.cast("f64").cast("f32"), naive: each((n) => n) },
  ReduceSum: { operands: [[2, 3, 4]], ours: (x) => x.sum([0, 2]) },
  "ReduceSum kept": { operands: [[2, 3]], ours: (x) => x.sum([1], { keepdims: true }) },
  ReduceMean: { operands: [[2, 3, 4]], ours: (x) => x.mean([1]) },
  ReduceMax: {
    operands: [{ shape: [2, 9], map: between }],
    ours: (x) => x.add(ramp(9)).reduceMax([1]),
  },
  ReduceMin: {
    operands: [{ shape: [2, 9], map: between }],
    ours: (x) => x.add(ramp(9)).reduceMin([1], { keepdims: true }),
  },
  TopK: {
    operands: [{ shape: [2, 9], map: between }],
    ours: (x) => x.add(ramp(9)).topK(4, { axis: 1, largest: true })[0],
  },
  CumSum: { operands: [[2, 4]], ours: (x) => x.cumSum(1) },
  "CumSum exclusive reverse": {
    operands: [[2, 4]],
    ours: (x) => x.cumSum(1, { exclusive: true, reverse: true }),
  },
  MatMul: {
    operands: [
      [2, 3, 4],
      [2, 4, 2],
    ],
    ours: (a, b) => a.matmul(b),
  },
  "MatMul broadcast": {
    operands: [
      [2, 1, 3, 4],
      [3, 4, 2],
    ],
    ours: (a, b) => a.matmul(b),
  },
  "MatMul by 2-D": {
    operands: [
      [2, 3, 4],
      [4, 2],
    ],
    ours: (a, b) => a.matmul(b),
  },
  Conv: {
    operands: [[2, 3, 4, 5], [2, 3, 3, 3], [2]],
    ours: (x, w, b) => conv(x, w, b, { padding: 1 }),
  },
  "Conv strided, odd": {
    operands: [
      [1, 2, 6, 5],
      [2, 2, 3, 3],
    ],
    ours: (x, w) => conv(x, w, null, { stride: 2, padding: 1 }),
  },
  "Conv grouped, dilated": {
    operands: [
      [1, 4, 5, 5],
      [2, 2, 3, 2],
    ],
    ours: (x, w) => conv(x, w, null, { dilation: 2, group: 2, padding: 1 }),
  },
  "Conv one-sided pads": {
    operands: [
      [1, 2, 4, 4],
      [2, 2, 3, 3],
    ],
    ours: (x, w) =>
      applyOne("Conv", [x, w, null], { ...window, strides: [2, 2], pads: [0, 0, 1, 1] }),
  },
  "Conv 1-D": {
    operands: [
      [2, 2, 7],
      [3, 2, 3],
    ],
    ours: (x, w) => conv(x, w, null, { padding: 1 }),
  },
  "Conv 3-D": {
    operands: [
      [1, 2, 3, 3, 3],
      [2, 2, 3, 1, 1],
    ],
    ours: (x, w) => conv(x, w),
  },
  ConvTranspose: {
    operands: [[1, 2, 3, 3], [2, 3, 3, 3], [3]],
    ours: (x, w, b) => convTranspose(x, w, b),
  },
  "ConvTranspose strided, grouped": {
    operands: [
      [1, 4, 3, 3],
      [4, 1, 3, 3],
    ],
    ours: (x, w) =>
      convTranspose(x, w, null, {
        stride: 2,
        padding: 1,
        group: 2,
        outputPadding: 1,
      }),
  },
  ConvGradWeight: {
    operands: [
      [2, 2, 4, 4],
      [2, 3, 4, 4],
    ],
    ours: (x, dy) => convGradWeight(x, dy, { ...window, pads: [1, 1, 1, 1], kernel: [3, 3] }),
  },
  "ConvGradWeight strided": {
    operands: [
      [1, 4, 6, 5],
      [1, 2, 3, 3],
    ],
    ours: (x, dy) =>
      convGradWeight(x, dy, {
        ...window,
        strides: [2, 2],
        pads: [1, 1, 1, 1],
        group: 2,
        kernel: [3, 3],
      }),
  },
  Reshape: { operands: [[2, 6]], ours: (x) => x.reshape(3, 4).mul(ramp(4)) },
  Transpose: { operands: [[2, 3, 4]], ours: (x) => x.transpose(2, 0, 1).mul(ramp(3)) },
  Expand: { operands: [[2, 1]], ours: (x) => x.expand(3, 2, 4) },
  Slice: { operands: [[5, 7]], ours: (x) => x.slice(1, 1, -1, 2).slice(0, 1, 4) },
  "Slice backwards": { operands: [[5, 7]], ours: (x) => x.slice(1, 5, undefined, -2) },
  Concat: {
    operands: [
      [2, 1],
      [2, 3],
    ],
    ours: (a, b) => concat([a, b, a], 1),
  },
  Split: { operands: [[2, 6]], ours: (x) => [x.split(1, [1, 2, 3])[2], x.split(1, [4, 2])[0]] },
  Pad: { operands: [[2, 3]], ours: (x) => x.pad([1, 0, 0, 2], 7) },
  Gather: { operands: [[4, 3], ids([2, 3], 0, 3, 3, 1, 3, 0)], ours: (x, i) => x.gather(i) },
  "Gather inner axis": {
    operands: [[2, 4, 3], ids([2, 2], 0, 3, 3, 1)],
    ours: (x, i) => x.gather(i, 1),
  },
  GatherElements: {
    operands: [[3, 2], ids([4, 2], 0, 1, 2, 1, 0, 0, 0, 2)],
    ours: (x, i) => x.gatherElements(i, 0),
  },
  ScatterElements: {
    operands: [[3, 2], ids([4, 2], 0, 1, 2, 1, 0, 0, 0, 2), [4, 2]],
    ours: (x, i, u) => applyOne("ScatterElements", [x, i, u], { axis: 0 }),
  },
  ScatterND: {
    operands: [[3, 2], ids([4], 0, 2, 2, 2), [4, 2]],
    ours: (x, i, u) => applyOne("ScatterND", [x, i, u], {}),
  },
  Softmax: { operands: [[2, 5]], ours: (x) => softmax(x) },
  "Softmax inner axis": { operands: [[2, 5, 2]], ours: (x) => softmax(x, 1) },
  Enlarge: { operands: [[2, 2, 3]], ours: (x) => enlarge(x, [3, 2]) },
  SumPool: {
    operands: [[2, 6, 4]],
    ours: (x) => sumPool(x, [3, 2]),
    naive: (x) =>
      Array.from({ length: 8 }, (_, i) => {
        const [picture, row, column] = [i >> 2, (i >> 1) & 1, i & 1];
        let sum = 0;
        for (let dy = 0; dy < 3; dy++)
          for (let dx = 0; dx < 2; dx++)
            sum += x[24 * picture + 4 * (3 * row + dy) + 2 * column + dx];
        return sum;
      }),
  },
  Silu: { operands: [[9]], ours: (x) => silu(x), naive: each((n) => n / (1 + Math.exp(-n))) },
  Gelu: {
    operands: [[9]],
    ours: (x) => gelu(x),
    naive: each((n) => (n / 2) * (1 + erf(n / Math.SQRT2))),
  },
  "Gelu tanh": { operands: [[9]], ours: (x) => gelu(x, "tanh") },
  "Gelu sigmoid": { operands: [[9]], ours: (x) => gelu(x, "sigmoid") },
  LayerNorm: { operands: [[2, 3, 5], [5], [5]], ours: (x, w, b) => layerNorm(x, w, b) },
  "LayerNorm two axes": {
    operands: [
      [2, 3, 2],
      [3, 2],
      [3, 2],
    ],
    ours: (x, w, b) => layerNorm(x, w, b, { axes: 2 }),
  },
  "LayerNorm bare": { operands: [[3, 5]], ours: (x) => layerNorm(x, null, null) },
  GroupNorm: {
    operands: [[2, 4, 2, 3], [4], [4]],
    ours: (x, w, b) => groupNorm(x, w, b, { groups: 2 }),
  },
  "GroupNorm bare": { operands: [[2, 4, 3]], ours: (x) => groupNorm(x, null, null, { groups: 2 }) },
  Linear: { operands: [[2, 3, 4], [5, 4], [5]], ours: (x, w, b) => linear(x, w, b) },
  Attention: {
    operands: [
      [2, 3, 4],
      [2, 5, 4],
      [2, 5, 6],
    ],
    ours: (q, k, v) => attention(q, k, v, { heads: 2 }),
  },
  "Attention causal": {
    operands: [
      [1, 4, 4],
      [1, 4, 4],
      [1, 4, 4],
    ],
    ours: (q, k, v) => attention(q, k, v, { heads: 2, causal: true }),
  },
  "Attention masked": {
    operands: [
      [2, 3, 4],
      [2, 5, 4],
      [2, 5, 4],
      [1, 2, 3, 5],
    ],
    ours: (q, k, v, mask) => attention(q, k, v, { heads: 2, mask }),
  },
  "Attention of one tensor": {
    operands: [[2, 3, 4]],
    ours: (x) => attention(x, x, x, { heads: 2 }),
  },
};

/** 0, 10, 20, …: makes the order of elements certain and a permutation visible. */
function ramp(length: number): Tensor {
  const shape = [length];
  return apply("Constant", [], {
    dtype: "f32",
    shape,
    values: Float32Array.from({ length }, (_, i) => (i * 10) % 37),
  })[0];
}

test.each(Object.entries(cases))("%s", (name, options) => checkOp(name, options));

test("every row with a gradient has a case", () => {
  const flat = ["Not", "Equal", "Greater", "Less", "And", "Or", "ArgMax", "Detach"];
  const named = new Set(Object.keys(cases).map((name) => name.split(" ")[0]));
  expect(Object.keys(vjpRules).filter((op) => !named.has(op) && !flat.includes(op))).toEqual([]);
});
