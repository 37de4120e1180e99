/** @file Making engine values from plain numbers. */
import { assert, sizeOf, type DType } from "../base/index.ts";
import { valuesOf, type Values } from "../tensor/index.ts";
import type { Value } from "./engine.ts";

/** A value of the given shape; plain numbers are stored as `dtype` (f32 when left out). */
export function value(
  data: Values | readonly number[],
  shape: readonly number[],
  dtype: DType = "f32",
): Value {
  const values = ArrayBuffer.isView(data) ? data : valuesOf(data, dtype);
  assert(values.length === sizeOf(shape), `${values.length} numbers for [${shape.join()}]`);
  return { dtype, shape, data: values };
}

const makers: { readonly [K in DType]: (length: number) => Values } = {
  f64: (n) => new Float64Array(n),
  f32: (n) => new Float32Array(n),
  f16: (n) => new Uint16Array(n),
  bf16: (n) => new Uint16Array(n),
  i64: (n) => new BigInt64Array(n),
  i32: (n) => new Int32Array(n),
  i16: (n) => new Uint16Array(n),
  i8: (n) => new Int8Array(n),
  u8: (n) => new Uint8Array(n),
  bool: (n) => new Uint8Array(n),
};

/** Zeros in the typed array that stores `dtype`. */
export function emptyValues(dtype: DType, length: number): Values {
  return makers[dtype](length);
}
