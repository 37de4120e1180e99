/** @file How each primitive becomes ONNX nodes: one row per op, and the walk over a graph. */
import { assert } from "../../base/index.ts";
import {
  expandComposite,
  isComposite,
  sortNodes,
  within,
  type Attrs,
  type CompositeName,
  type ConvAttrs,
  type Inputs,
  type Node,
  type PrimitiveName,
  type Tensor,
} from "../../tensor/index.ts";
import { onnxTypes } from "../../formats/index.ts";
import type { Emitter } from "./emitter.ts";

/** ONNX names of the node's inputs ("" where absent) → names of its outputs. */
export type LowerRule<K extends PrimitiveName | CompositeName> = (
  e: Emitter,
  inputs: readonly string[],
  node: Node<K>,
) => string | string[];

/**
 * An engine's own kernels for composites, and its own ways to say primitives; null from a rule means: expand the body, or
 * say it as all do, this time.
 */
export type Kernels = {
  readonly [K in CompositeName | PrimitiveName]?: (
    e: Emitter,
    inputs: readonly string[],
    node: Node<K>,
  ) => string | null;
};

type Rule<K extends PrimitiveName> = LowerRule<K>;
const plain =
  <K extends PrimitiveName>(op: K): Rule<K> =>
  (e, inputs) =>
    e.emit(op, inputs);
/**
 * Operands of a result that ends in an axis of 1 get its rank: ONNX Runtime 1.30 walks element by element where a shorter
 * one meets such axes, 30 times slower ([192, 192, 1, 1] times a scalar: 218 µs, times [1, 1, 1, 1]: 7 µs).
 */
const broadcast =
  <K extends PrimitiveName>(op: K): Rule<K> =>
  (e, inputs, { types: [{ shape }], inputs: tensors }) => {
    const missing = (i: number) => shape.length - (tensors[i]?.shape.length ?? shape.length);
    const aligned = inputs.map((name, i) =>
      shape.at(-1) !== 1 || missing(i) === 0
        ? name
        : e.reshape(name, [...Array<number>(missing(i)).fill(1), ...(tensors[i]?.shape ?? [])]),
    );
    return e.emit(op, aligned);
  };
/** ReduceSum takes its axes as an input since opset 13; the others as an attribute until 18. */
const reduce =
  (op: "ReduceMean" | "ReduceMax" | "ReduceMin") =>
  (e: Emitter, [x]: readonly string[], { attrs }: { attrs: Attrs<"ReduceMean"> }) =>
    attrs.axes.length === 0
      ? x
      : e.emit(op, [x], { attributes: { axes: attrs.axes, keepdims: Number(attrs.keepdims) } });
const window = ({ strides, pads, dilations, group }: ConvAttrs) => ({
  strides,
  pads,
  dilations,
  group,
});
const present = (names: readonly string[]) => (names.at(-1) ? names : names.slice(0, -1));

const lowerRules: { readonly [K in PrimitiveName]: LowerRule<K> } = {
  Neg: plain("Neg"),
  Abs: plain("Abs"),
  Sign: plain("Sign"),
  Exp: plain("Exp"),
  Log: plain("Log"),
  Sqrt: plain("Sqrt"),
  Reciprocal: plain("Reciprocal"),
  Sin: plain("Sin"),
  Cos: plain("Cos"),
  Atan: plain("Atan"),
  Tanh: plain("Tanh"),
  Sigmoid: plain("Sigmoid"),
  Erf: plain("Erf"),
  Floor: plain("Floor"),
  Round: plain("Round"),
  Not: plain("Not"),
  Add: broadcast("Add"),
  Sub: broadcast("Sub"),
  Mul: broadcast("Mul"),
  Div: broadcast("Div"),
  Pow: broadcast("Pow"),
  Max: broadcast("Max"),
  Min: broadcast("Min"),
  Equal: broadcast("Equal"),
  Greater: broadcast("Greater"),
  Less: broadcast("Less"),
  And: broadcast("And"),
  Or: broadcast("Or"),
  Where: broadcast("Where"),
  Cast: (e, inputs, { attrs }) =>
    e.emit("Cast", inputs, { attributes: { to: onnxTypes[attrs.to] } }),
  ReduceSum: (e, [x], { attrs }) =>
    attrs.axes.length === 0
      ? x
      : e.emit("ReduceSum", [x, e.ints(attrs.axes)], {
          attributes: { keepdims: Number(attrs.keepdims) },
        }),
  ReduceMean: reduce("ReduceMean"),
  ReduceMax: reduce("ReduceMax"),
  ReduceMin: reduce("ReduceMin"),
  ArgMax: (e, inputs, { attrs }) =>
    e.emit("ArgMax", inputs, { attributes: { axis: attrs.axis, keepdims: 1 } }),
  TopK: (e, [x], { attrs: { axis, k, largest } }) =>
    e.emitAll("TopK", [x, e.ints([k])], {
      attributes: { axis, largest: Number(largest), sorted: 1 },
      outputs: 2,
    }),
  CumSum: (e, [x], { attrs }) =>
    e.emit("CumSum", [x, e.ints([attrs.axis])], {
      attributes: { exclusive: Number(attrs.exclusive), reverse: Number(attrs.reverse) },
    }),
  MatMul: plain("MatMul"),
  Conv: (e, inputs, { attrs }) => e.emit("Conv", present(inputs), { attributes: window(attrs) }),
  ConvTranspose: (e, inputs, { attrs }) =>
    e.emit("ConvTranspose", present(inputs), {
      attributes: { ...window(attrs), output_padding: attrs.outputPadding },
    }),
  Reshape: (e, [x], { attrs }) => e.reshape(x, attrs.shape),
  Transpose: (e, inputs, { attrs }) =>
    e.emit("Transpose", inputs, { attributes: { perm: attrs.perm } }),
  // Doubling along the last axis: ONNX Runtime 1.30's Expand takes 5 ns a value, its Concat of copies 0.3.
  Expand: (e, [x], { attrs: { shape }, inputs: [from] }) => {
    if (shape.length === 0) return x;
    const times = shape.at(-1) ?? 1;
    const grown =
      from?.shape.length === shape.length && shape.filter((n, i) => n !== from.shape[i]);
    return grown && grown.length === 1 && from.shape.at(-1) === 1 && times > 1 && times <= 4
      ? e.emit("Concat", Array<string>(times).fill(x), { attributes: { axis: shape.length - 1 } })
      : e.emit("Expand", [x, e.ints(shape)]);
  },
  Slice: (e, [x], { attrs: { starts, ends, axes, steps } }) => {
    // A backward slice that ends before element 0 says so by the smallest integer: −1 would be the last element.
    const last = ends.map((end, i) => (steps[i] < 0 && end < 0 ? -0x7fffffff : end));
    return e.emit("Slice", [x, e.ints(starts), e.ints(last), e.ints(axes), e.ints(steps)]);
  },
  Concat: (e, inputs, { attrs }) => e.emit("Concat", inputs, { attributes: { axis: attrs.axis } }),
  Split: (e, [x], { attrs: { axis, sizes } }) =>
    e.emitAll("Split", [x, e.ints(sizes)], { attributes: { axis }, outputs: sizes.length }),
  Pad: (e, [x], { attrs: { pads, value } }) => e.emit("Pad", [x, e.ints(pads), e.float(value)]),
  Gather: (e, inputs, { attrs }) => e.emit("Gather", inputs, { attributes: { axis: attrs.axis } }),
  GatherElements: (e, inputs, { attrs }) =>
    e.emit("GatherElements", inputs, { attributes: { axis: attrs.axis } }),
  ScatterElements: (e, inputs, { attrs }) =>
    e.emit("ScatterElements", inputs, { attributes: { axis: attrs.axis, reduction: "add" } }),
  // ONNX Runtime 1.30's own ScatterND with "add" loses sums when several threads meet at one row (in up to 13 of 100
  // runs with two threads); its ScatterElements works in one thread, for about 1 ms per 250 000 elements.
  ScatterND: (e, [data, indices, updates], { types: [{ shape }], inputs }) => {
    const count = inputs[1]?.size ?? 0;
    const row = shape.slice(1);
    const column = e.reshape(indices, [count, ...row.map(() => 1)]);
    const everywhere = e.emit("Expand", [column, e.ints([count, ...row])]);
    const rows = e.reshape(updates, [count, ...row]);
    const attributes = { axis: 0, reduction: "add" };
    return e.emit("ScatterElements", [data, everywhere, rows], { attributes });
  },
};

type Kernel<K extends CompositeName | PrimitiveName> =
  ((e: Emitter, inputs: readonly string[], node: Node<K>) => string | null) | undefined;

function lowerNode<K extends PrimitiveName>(
  e: Emitter,
  node: Node<K>,
  kernels: Kernels,
): string | string[] {
  const inputs = node.inputs.map((t) => (t ? (e.names.get(t) ?? "") : ""));
  const own = (kernels[node.op] as Kernel<K>)?.(e, inputs, node);
  if (own) return own;
  const rule = lowerRules[node.op] as LowerRule<K> | undefined;
  assert(rule, `no lowering of ${node.op}`);
  return rule(e, inputs, node);
}

function lowerComposite<K extends CompositeName>(e: Emitter, node: Node<K>, kernels: Kernels) {
  const inputs = node.inputs.map((t) => (t ? (e.names.get(t) ?? "") : ""));
  const kernel = kernels[node.op] as Kernel<K>;
  const fused = kernel?.(e, inputs, node);
  if (fused) return fused;
  // The node's inputs are the composite's by construction of `apply`.
  const operands = node.inputs as unknown as Inputs<K, Tensor>;
  const body = within({ path: node.scope }, () => expandComposite(node.op, operands, node.attrs));
  lowerAll(e, [body], kernels);
  const name = e.names.get(body);
  assert(name, `the body of ${node.op} was not lowered`);
  return name;
}

/** Lowers every node that `roots` need and that has no name yet. Leaves must have names already, but for constants. */
export function lowerAll(e: Emitter, roots: readonly Tensor[], kernels: Kernels): void {
  const named = { has: ({ outputs: [first] }: Node) => e.names.has(first) };
  for (const node of sortNodes(roots, named)) {
    e.scope = node.scope;
    const [first] = node.outputs;
    if (node.op === "Constant") {
      const { values, shape, dtype } = node.attrs as Attrs<"Constant">;
      e.names.set(first, e.constant(values, shape, dtype));
      continue;
    }
    const names = isComposite(node.op)
      ? lowerComposite(e, node as Node<CompositeName>, kernels)
      : lowerNode(e, node as Node<PrimitiveName>, kernels);
    node.outputs.forEach((t, i) => e.names.set(t, typeof names === "string" ? names : names[i]));
  }
}
