/** @file Which typed array stores the numbers of an element type; f16 and bf16 are kept as bits. */
import type { DType } from "./dtype.ts";

/** Numbers of one element type. */
export type Values =
  | Float64Array
  | Float32Array
  | Uint16Array
  | BigInt64Array
  | Int32Array
  | Int16Array
  | Int8Array
  | Uint8Array;

const arrays = {
  f64: Float64Array,
  f32: Float32Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i64: BigInt64Array,
  i32: Int32Array,
  i16: Int16Array,
  i8: Int8Array,
  u8: Uint8Array,
  bool: Uint8Array,
} as const satisfies Readonly<Record<DType, new (length: number) => Values>>;

/** Zeros in the typed array that stores `dtype`. */
export function emptyValues(dtype: DType, length: number): Values {
  return new arrays[dtype](length);
}
