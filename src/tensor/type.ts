/** @file What is known of a tensor before any number exists: element type and shape. */
import type { DType } from "../base/index.ts";

/** Element type and concrete shape. */
export interface TensorType {
  readonly dtype: DType;
  readonly shape: readonly number[];
}

/** A type with the name a person would recognise the operand by, if it has one. */
export interface Operand extends TensorType {
  readonly label?: string | undefined;
}

/** `f32[1,320,64,64]`, with the operand's name before it where there is one. */
export function show(x: Operand): string {
  const type = `${x.dtype}[${x.shape.join(",")}]`;
  return x.label ? `${x.label} ${type}` : type;
}
