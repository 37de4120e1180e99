/** @file Making engine values from plain numbers. */
import { assert, sizeOf, type DType, type Values } from "../base/index.ts";
import { valuesOf } from "../tensor/index.ts";
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
