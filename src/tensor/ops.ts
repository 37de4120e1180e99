/** @file The whole instruction set, one row per op, named as in ONNX. `T` is whatever stands for a tensor. */
import type { DType, Values } from "../base/index.ts";
import type { Init } from "./init.ts";

type Unary<T> = { inputs: [T]; attrs: object };
type Binary<T> = { inputs: [T, T]; attrs: object };
type Reduce<T> = { inputs: [T]; attrs: { axes: readonly number[]; keepdims: boolean } };

/** Window of a convolution over n spatial axes; `pads` are all begins, then all ends. */
export interface ConvAttrs {
  readonly strides: readonly number[];
  readonly pads: readonly number[];
  readonly dilations: readonly number[];
  readonly group: number;
}

/** Leaves: what a graph starts from. */
export interface Leaves {
  Input: { inputs: []; attrs: { name: string; dtype: DType; shape: readonly number[] } };
  Parameter: {
    inputs: [];
    attrs: { path: string; dtype: DType; shape: readonly number[]; init: Init; trains: boolean };
  };
  Constant: { inputs: []; attrs: { dtype: DType; shape: readonly number[]; values: Values } };
}

/** Primitives: each has an ONNX operator of the same name. */
export interface Primitives<T> {
  Neg: Unary<T>;
  Abs: Unary<T>;
  Sign: Unary<T>;
  Exp: Unary<T>;
  Log: Unary<T>;
  Sqrt: Unary<T>;
  Reciprocal: Unary<T>;
  Sin: Unary<T>;
  Cos: Unary<T>;
  Atan: Unary<T>;
  Tanh: Unary<T>;
  Sigmoid: Unary<T>;
  Erf: Unary<T>;
  Floor: Unary<T>;
  Round: Unary<T>;
  Not: Unary<T>;
  Add: Binary<T>;
  Sub: Binary<T>;
  Mul: Binary<T>;
  Div: Binary<T>;
  Pow: Binary<T>;
  Max: Binary<T>;
  Min: Binary<T>;
  Equal: Binary<T>;
  Greater: Binary<T>;
  Less: Binary<T>;
  And: Binary<T>;
  Or: Binary<T>;
  Where: { inputs: [T, T, T]; attrs: object };
  Cast: { inputs: [T]; attrs: { to: DType } };
  ReduceSum: Reduce<T>;
  ReduceMean: Reduce<T>;
  ReduceMax: Reduce<T>;
  ReduceMin: Reduce<T>;
  ArgMax: { inputs: [T]; attrs: { axis: number } };
  TopK: { inputs: [T]; attrs: { axis: number; k: number; largest: boolean } };
  CumSum: { inputs: [T]; attrs: { axis: number; exclusive: boolean; reverse: boolean } };
  MatMul: Binary<T>;
  Conv: { inputs: [T, T, T | null]; attrs: ConvAttrs };
  ConvTranspose: {
    inputs: [T, T, T | null];
    attrs: ConvAttrs & { outputPadding: readonly number[] };
  };
  Reshape: { inputs: [T]; attrs: { shape: readonly number[] } };
  Transpose: { inputs: [T]; attrs: { perm: readonly number[] } };
  Expand: { inputs: [T]; attrs: { shape: readonly number[] } };
  Slice: {
    inputs: [T];
    attrs: {
      starts: readonly number[];
      ends: readonly number[];
      axes: readonly number[];
      steps: readonly number[];
    };
  };
  Concat: { inputs: T[]; attrs: { axis: number } };
  Split: { inputs: [T]; attrs: { axis: number; sizes: readonly number[] } };
  Pad: { inputs: [T]; attrs: { pads: readonly number[]; value: number } };
  Gather: { inputs: [T, T]; attrs: { axis: number } };
  GatherElements: { inputs: [T, T]; attrs: { axis: number } };
  /** data + updates placed at indices along one axis (ONNX reduction "add"). */
  ScatterElements: { inputs: [T, T, T]; attrs: { axis: number } };
  /** data + updates added to whole rows: indices [n] name rows of axis 0 (ONNX reduction "add"). */
  ScatterND: { inputs: [T, T, T]; attrs: object };
}

/** Named composites: a name and a body of primitives; an engine may know a faster kernel. */
export interface Composites<T> {
  Softmax: { inputs: [T]; attrs: { axis: number } };
  Silu: Unary<T>;
  Gelu: { inputs: [T]; attrs: { approximate: "none" | "tanh" | "sigmoid" } };
  /** Over the last axes, as many as the weight has. */
  LayerNorm: { inputs: [T, T | null, T | null]; attrs: { axes: number; eps: number } };
  GroupNorm: { inputs: [T, T | null, T | null]; attrs: { groups: number; eps: number } };
  /** q [B,S,H·D], k and v [B,L,H·D]; mask broadcastable to [B,H,S,L], added to the scores. */
  Attention: {
    inputs: [T, T, T, T | null];
    attrs: { heads: number; scale: number; causal: boolean };
  };
  /** x [...,in], weight [out,in], bias [out]. */
  Linear: { inputs: [T, T, T | null]; attrs: object };
  /** Gradient of Conv for its weight: x [N,C,…], dy [N,M,…] → [M,C/group,…kernel]. */
  ConvGradWeight: { inputs: [T, T]; attrs: ConvAttrs & { kernel: readonly number[] } };
  /** Each element of the last axes repeated so many times along them. */
  Enlarge: { inputs: [T]; attrs: { times: readonly number[] } };
  /** Blocks of so many elements along the last axes summed up: what undoes Enlarge for a gradient. */
  SumPool: { inputs: [T]; attrs: { times: readonly number[] } };
  /** x itself; its derivative is zero. */
  Detach: Unary<T>;
}

/** Every row: leaves, primitives, composites. */
export interface Ops<T> extends Leaves, Primitives<T>, Composites<T> {}
/** Name of any op, as in ONNX where ONNX has it. */
export type OpName = keyof Ops<unknown>;
/** Ops without inputs: where values enter a graph. */
export type LeafName = keyof Leaves;
/** Ops that every engine has. */
export type PrimitiveName = keyof Primitives<unknown>;
/** Ops whose meaning is a body of primitives. */
export type CompositeName = keyof Composites<unknown>;
/** Inputs of an op when a value is a `T`. */
export type Inputs<K extends OpName, T> = Ops<T>[K]["inputs"];
/** What a node of an op says beside its inputs. */
export type Attrs<K extends OpName> = Ops<unknown>[K]["attrs"];
