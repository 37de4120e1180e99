/** @file What crosses an engine's border: names of outputs, and values checked against what the model says. */
import { assert, dtypeBytes, emptyValues, sizeOf } from "../../base/index.ts";
import type { OnnxValue } from "../../formats/index.ts";
import type { RunOptions, Value } from "../engine.ts";

/** Outputs are called apart from inputs, since a graph may hand an input on under its own name. */
const prefix = "out:";

/** What an output of the graph is called at the border. */
export const borderName = (name: string): string => prefix + name;

/** The name that the graph has for an output of the lowered model. */
export const outputName = ({ name }: OnnxValue): string => name.slice(prefix.length);

/** The value given for an input; a missing or unfit one breaks an invariant. */
export function checkedInput(spec: OnnxValue, inputs: Readonly<Record<string, Value>>): Value {
  const value = inputs[spec.name];
  assert(value, `input ${spec.name} is missing`);
  checkFits(value, spec, ["input", spec.name]);
  return value;
}

/** Memory for an output: what the caller gives, else new. */
export function outputMemory(spec: OnnxValue, into: RunOptions["into"]): Value {
  const given = into?.[outputName(spec)];
  if (given) checkFits(given, spec, ["memory for output", outputName(spec)]);
  const shape = spec.shape as readonly number[];
  return given ?? { dtype: spec.dtype, shape, data: emptyValues(spec.dtype, sizeOf(shape)) };
}

/** Of thousands of arrays in a step of training, hardly any does not fit: texts are made for those alone. */
function checkFits(value: Value, spec: OnnxValue, what: readonly string[]): void {
  const { dtype, shape, data } = value;
  const isOfType =
    dtype === spec.dtype &&
    shape.length === spec.shape.length &&
    shape.every((n, axis) => n === spec.shape[axis]);
  const length = sizeOf(shape) * dtypeBytes[dtype];
  if (isOfType && data.byteLength === length) return;
  const [came, needed] = [value, spec].map((v) => `${v.dtype}[${v.shape.join()}]`);
  assert(isOfType, `${what.join(" ")} is ${came}, not ${needed}`);
  assert(false, `${what.join(" ")} has ${data.byteLength} bytes, not ${length}`);
}
