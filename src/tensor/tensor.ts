/** @file The symbolic tensor: a node of the traced graph and which of its outputs. Calling a method traces one op. */
import {
  assert,
  emptyValues,
  LimnError,
  ShapeError,
  sizeOf,
  type DType,
  type Values,
} from "../base/index.ts";
import { axisOf } from "./broadcast.ts";
import type { Init } from "./init.ts";
import type { Attrs, Inputs, OpName } from "./ops.ts";
import { currentScope } from "./scope.ts";
import { shapeRules } from "./shapes.ts";
import type { Operand, TensorType } from "./type.ts";

/** One op applied: its inputs, attributes, the module that was being traced, and the outputs' types. */
export interface Node<K extends OpName = OpName> {
  readonly op: K;
  readonly inputs: readonly (Tensor | null)[];
  readonly attrs: Attrs<K>;
  readonly scope: string;
  readonly types: readonly TensorType[];
  /** The outputs as tensors, one object each, so that identity means equality. */
  readonly outputs: readonly Tensor[];
}

/** What an operation accepts beside tensors: a number, which takes the other operand's dtype. */
export type TensorLike = Tensor | number;

/** Applies `op`: checks shapes and returns its outputs. Every method and composite ends here. */
export function apply<K extends OpName>(
  op: K,
  inputs: Inputs<K, Tensor>,
  attrs: Attrs<K>,
): readonly Tensor[] {
  const scope = currentScope();
  // Rules are typed by op; the table's row for K takes K's inputs, which TypeScript cannot follow through the union.
  const rule = shapeRules[op] as (inputs: Inputs<K, Operand>, attrs: Attrs<K>) => TensorType[];
  let types: TensorType[];
  try {
    types = rule(inputs, attrs);
  } catch (error) {
    if (error instanceof LimnError && scope.path)
      throw new ShapeError(`${error.message} in ${scope.path}`);
    throw error;
  }
  const outputs: Tensor[] = [];
  const node: Node<K> = {
    op,
    inputs: inputs as (Tensor | null)[],
    attrs,
    get scope() {
      return scope.path;
    },
    types,
    outputs,
  };
  types.forEach((_, i) => outputs.push(new Tensor(node, i)));
  return outputs;
}

/** `apply` for the ops that have one output. */
export function applyOne<K extends OpName>(op: K, inputs: Inputs<K, Tensor>, attrs: Attrs<K>) {
  const [y] = apply(op, inputs, attrs);
  assert(y, `${op} has no output`);
  return y;
}

/** A value of a graph that has not been computed: dtype, shape and the node that will make it. */
export class Tensor implements Operand {
  readonly node: Node;
  /** Which output of the node this is. */
  readonly index: number;
  constructor(node: Node, index: number) {
    this.node = node;
    this.index = index;
  }
  get dtype(): DType {
    return this.node.types[this.index].dtype;
  }
  get shape(): readonly number[] {
    return this.node.types[this.index].shape;
  }
  get rank(): number {
    return this.shape.length;
  }
  get size(): number {
    return sizeOf(this.shape);
  }
  /** Parameter path or input name, where there is one. */
  get label(): string | undefined {
    const attrs = this.node.attrs as { path?: string; name?: string };
    return this.node.op === "Parameter"
      ? attrs.path
      : this.node.op === "Input"
        ? attrs.name
        : undefined;
  }

  neg(): Tensor {
    return applyOne("Neg", [this], {});
  }
  abs(): Tensor {
    return applyOne("Abs", [this], {});
  }
  sign(): Tensor {
    return applyOne("Sign", [this], {});
  }
  exp(): Tensor {
    return applyOne("Exp", [this], {});
  }
  log(): Tensor {
    return applyOne("Log", [this], {});
  }
  sqrt(): Tensor {
    return applyOne("Sqrt", [this], {});
  }
  reciprocal(): Tensor {
    return applyOne("Reciprocal", [this], {});
  }
  sin(): Tensor {
    return applyOne("Sin", [this], {});
  }
  cos(): Tensor {
    return applyOne("Cos", [this], {});
  }
  atan(): Tensor {
    return applyOne("Atan", [this], {});
  }
  tanh(): Tensor {
    return applyOne("Tanh", [this], {});
  }
  sigmoid(): Tensor {
    return applyOne("Sigmoid", [this], {});
  }
  erf(): Tensor {
    return applyOne("Erf", [this], {});
  }
  floor(): Tensor {
    return applyOne("Floor", [this], {});
  }
  /** Half goes to even. */
  round(): Tensor {
    return applyOne("Round", [this], {});
  }
  not(): Tensor {
    return applyOne("Not", [this], {});
  }
  add(y: TensorLike): Tensor {
    return applyOne("Add", [this, lift(y, this)], {});
  }
  sub(y: TensorLike): Tensor {
    return applyOne("Sub", [this, lift(y, this)], {});
  }
  mul(y: TensorLike): Tensor {
    return applyOne("Mul", [this, lift(y, this)], {});
  }
  div(y: TensorLike): Tensor {
    return applyOne("Div", [this, lift(y, this)], {});
  }
  pow(y: TensorLike): Tensor {
    return applyOne("Pow", [this, lift(y, this)], {});
  }
  /** Elementwise maximum; for a reduction see `reduceMax`. */
  max(y: TensorLike): Tensor {
    return applyOne("Max", [this, lift(y, this)], {});
  }
  min(y: TensorLike): Tensor {
    return applyOne("Min", [this, lift(y, this)], {});
  }
  equal(y: TensorLike): Tensor {
    return applyOne("Equal", [this, lift(y, this)], {});
  }
  greater(y: TensorLike): Tensor {
    return applyOne("Greater", [this, lift(y, this)], {});
  }
  less(y: TensorLike): Tensor {
    return applyOne("Less", [this, lift(y, this)], {});
  }
  and(y: Tensor): Tensor {
    return applyOne("And", [this, y], {});
  }
  or(y: Tensor): Tensor {
    return applyOne("Or", [this, y], {});
  }
  /** Takes `yes` where this bool tensor is true, `no` elsewhere. */
  where(yes: Tensor, no: TensorLike): Tensor {
    return applyOne("Where", [this, yes, lift(no, yes)], {});
  }
  cast(to: DType): Tensor {
    return to === this.dtype ? this : applyOne("Cast", [this], { to });
  }

  /** Sum over `axes` (all when left out). */
  sum(axes?: readonly number[], { keepdims = false } = {}): Tensor {
    return applyOne("ReduceSum", [this], { axes: this.#axes(axes), keepdims });
  }
  mean(axes?: readonly number[], { keepdims = false } = {}): Tensor {
    return applyOne("ReduceMean", [this], { axes: this.#axes(axes), keepdims });
  }
  reduceMax(axes?: readonly number[], { keepdims = false } = {}): Tensor {
    return applyOne("ReduceMax", [this], { axes: this.#axes(axes), keepdims });
  }
  reduceMin(axes?: readonly number[], { keepdims = false } = {}): Tensor {
    return applyOne("ReduceMin", [this], { axes: this.#axes(axes), keepdims });
  }
  /** Index of the largest element along `axis`, the first of equals, i64; the axis stays with length 1. */
  argMax(axis: number): Tensor {
    return applyOne("ArgMax", [this], { axis: axisOf(axis, this.rank, "ArgMax") });
  }
  /** The k largest (or smallest) values along `axis`, sorted, and their i64 indices. */
  topK(k: number, { axis, largest }: { axis: number; largest: boolean }): [Tensor, Tensor] {
    const attrs = { k, largest, axis: axisOf(axis, this.rank, "TopK") };
    return apply("TopK", [this], attrs) as [Tensor, Tensor];
  }
  cumSum(axis: number, { exclusive = false, reverse = false } = {}): Tensor {
    const attrs = { axis: axisOf(axis, this.rank, "CumSum"), exclusive, reverse };
    return applyOne("CumSum", [this], attrs);
  }

  /** Matrix product of the last two axes; the others broadcast. */
  matmul(y: Tensor): Tensor {
    return applyOne("MatMul", [this, y], {});
  }

  /** Same elements in row order under another shape; one entry may be −1, and 0 copies the axis. */
  reshape(...shape: number[]): Tensor {
    const known = shape.map((n, i) => (n === 0 ? this.shape[i] : n));
    const rest = known.reduce((product, n) => (n === -1 ? product : product * n), 1);
    const full = known.map((n) => (n === -1 ? this.size / rest : n));
    if (full.join() === this.shape.join()) return this;
    return applyOne("Reshape", [this], { shape: full });
  }
  /** Axes in another order; without arguments the last two are swapped. */
  transpose(...perm: number[]): Tensor {
    const order = perm.length ? perm : this.shape.map((_, i) => i);
    if (!perm.length) order.push(...order.splice(-2).reverse());
    if (order.every((p, i) => p === i)) return this;
    return applyOne("Transpose", [this], { perm: order });
  }
  /** Repeats axes of length 1 to the given shape; −1 keeps an axis. */
  expand(...shape: number[]): Tensor {
    const lead = shape.length - this.rank;
    const full = shape.map((n, i) => (n === -1 ? this.shape[i - lead] : n));
    return full.join() === this.shape.join() ? this : applyOne("Expand", [this], { shape: full });
  }
  /** Inserts an axis of length 1 before `axis` (negative: counted from the back of the result). */
  unsqueeze(axis: number): Tensor {
    const shape = [...this.shape];
    shape.splice(axisOf(axis, this.rank + 1, "unsqueeze"), 0, 1);
    return applyOne("Reshape", [this], { shape });
  }
  /** Removes an axis of length 1. */
  squeeze(axis: number): Tensor {
    const shape = [...this.shape];
    const [length] = shape.splice(axisOf(axis, this.rank, "squeeze"), 1);
    if (length !== 1) throw new ShapeError(`squeeze: axis ${axis} has length ${length}, not 1`);
    return applyOne("Reshape", [this], { shape });
  }
  /**
   * Elements `start`, `start + step`, … before `end` of one axis; negative bounds count from the back, and without an
   * end all that follow are taken, also backwards.
   */
  slice(axis: number, start: number, end?: number, step = 1): Tensor {
    const a = axisOf(axis, this.rank, "Slice");
    const length = this.shape[a];
    // Backwards, places run from the last one to the one before the first.
    const [least, most] = step < 0 ? [-1, length - 1] : [0, length];
    const bound = (n: number) => Math.min(Math.max(n < 0 ? n + length : n, least), most);
    const from = bound(start);
    const last = end === undefined ? (step < 0 ? least : most) : bound(end);
    if (step === 1 && from === 0 && last === length) return this;
    return applyOne("Slice", [this], { starts: [from], ends: [last], axes: [a], steps: [step] });
  }
  /** Pieces of the given lengths along `axis`. */
  split(axis: number, sizes: readonly number[]): readonly Tensor[] {
    return apply("Split", [this], { axis: axisOf(axis, this.rank, "Split"), sizes });
  }
  /** Widens axes by constant elements: `pads` are all begins, then all ends. */
  pad(pads: readonly number[], value = 0): Tensor {
    return pads.every((p) => p === 0) ? this : applyOne("Pad", [this], { pads, value });
  }
  /** Rows of `axis` named by `indices` (of any shape, which replaces the axis). */
  gather(indices: Tensor, axis = 0): Tensor {
    return applyOne("Gather", [this, indices], { axis: axisOf(axis, this.rank, "Gather") });
  }
  /** Element by element: y[i][j] = x[indices[i][j]][j] for axis 0. */
  gatherElements(indices: Tensor, axis: number): Tensor {
    const a = axisOf(axis, this.rank, "GatherElements");
    return applyOne("GatherElements", [this, indices], { axis: a });
  }

  #axes(axes?: readonly number[]): number[] {
    return axes ? axes.map((a) => axisOf(a, this.rank, "reduction")) : this.shape.map((_, i) => i);
  }
}

/** A number as a scalar constant of the other operand's dtype; a tensor as it is. */
export function lift(value: TensorLike, like: Tensor): Tensor {
  return value instanceof Tensor ? value : scalar(value, like.dtype);
}

/** A constant without axes. */
export function scalar(value: number, dtype: DType = "f32"): Tensor {
  return constant(valuesOf([value], dtype), [], dtype);
}

/** A tensor whose numbers are known while tracing and travel inside the graph. */
export function constant(values: Values, shape: readonly number[], dtype: DType = "f32"): Tensor {
  assert(values.length === sizeOf(shape), `${values.length} values for [${shape.join(",")}]`);
  return applyOne("Constant", [], { dtype, shape, values });
}

/** Numbers in the typed array that stores `dtype`; not for f16 and bf16, whose bits need rounding. */
export function valuesOf(numbers: readonly number[], dtype: DType): Values {
  assert(dtype !== "f16" && dtype !== "bf16", `no constants of ${dtype}`);
  const values = emptyValues(dtype, numbers.length);
  if (values instanceof BigInt64Array) values.set(numbers.map((n) => BigInt(n)));
  else values.set(numbers);
  return values;
}

/** A value given at every run, by name. */
export function input(name: string, shape: readonly number[], dtype: DType = "f32"): Tensor {
  return applyOne("Input", [], { name, dtype, shape });
}

/** A weight: shape, dtype and how it starts; its numbers live in a file or in the trainer, never here. */
export class Parameter extends Tensor {
  /** Names this parameter; done once, when its module is given its place in a model. */
  set path(path: string) {
    (this.node.attrs as { path: string }).path = path;
  }
  get path(): string {
    return (this.node.attrs as { path: string }).path;
  }
  get init(): Init {
    return (this.node.attrs as { init: Init }).init;
  }
  /** False for buffers, which no optimiser touches. */
  get trains(): boolean {
    return (this.node.attrs as { trains: boolean }).trains;
  }
}

/** A new parameter; it is named when its module is. */
export function parameter(
  shape: readonly number[],
  init: Init,
  options: { dtype?: DType; trains?: boolean } = {},
): Parameter {
  const { dtype = "f32", trains = true } = options;
  const attrs = { path: "", dtype, shape, init, trains };
  const outputs: Tensor[] = [];
  const types = [{ dtype, shape }];
  const node: Node = { op: "Parameter", inputs: [], attrs, scope: "", types, outputs };
  const tensor = new Parameter(node, 0);
  outputs.push(tensor);
  return tensor;
}
