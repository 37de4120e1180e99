/** @file The arithmetic that loops over arrays know: one row per op, for one number and for four at a time. */
import type { PrimitiveName } from "../../tensor/index.ts";

/** How an op is computed: on one number (rounded to f32 by whoever asks), and by which instruction on four. */
export interface Operation {
  readonly one: (a: number, b: number) => number;
  /** Number of the WebAssembly instruction behind the prefix of vectors. */
  readonly four: number;
}

/** Ops whose result is rounded once in either form, so that both agree to the bit. */
export const operations: { readonly [K in PrimitiveName]?: Operation } = {
  Abs: { one: (a) => Math.abs(a), four: 0xe0 },
  Neg: { one: (a) => -a, four: 0xe1 },
  Sqrt: { one: (a) => Math.sqrt(a), four: 0xe3 },
  Add: { one: (a, b) => a + b, four: 0xe4 },
  Sub: { one: (a, b) => a - b, four: 0xe5 },
  Mul: { one: (a, b) => a * b, four: 0xe6 },
  Div: { one: (a, b) => a / b, four: 0xe7 },
  Min: { one: (a, b) => Math.min(a, b), four: 0xe8 },
  Max: { one: (a, b) => Math.max(a, b), four: 0xe9 },
};

/** The row of an op; undefined where loops do not know it. */
export const operationOf = (op: string): Operation | undefined =>
  (operations as Readonly<Record<string, Operation | undefined>>)[op];
