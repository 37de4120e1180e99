/** @file The cases of goldens/ops, read from their files. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { DType } from "../../src/base/index.ts";
import { openSafetensors, readTensor } from "../../src/formats/index.ts";
import { value, type Value } from "../../src/runtime/index.ts";
import type { Values } from "../../src/tensor/index.ts";
import type { OpCase, OpNumbers, Tolerance } from "./op-case.ts";

const folder = join(import.meta.dirname, "../goldens/ops");

/** The goldens' own header says what the file holds; its shape is this project's data, not a user's. */
export const { cases, tolerance } = JSON.parse(readFileSync(join(folder, "ops.json"), "utf8")) as {
  tolerance: Tolerance;
  cases: readonly OpCase[];
};

const arrays: { readonly [K in DType]?: new (buffer: ArrayBuffer) => Values } = {
  f32: Float32Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i64: BigInt64Array,
  bool: Uint8Array,
};

const stored = openSafetensors(join(folder, "ops.safetensors"));

async function read(name: string): Promise<Value> {
  const tensor = (await stored).tensors.get(name);
  const array = tensor && arrays[tensor.dtype];
  if (!array) throw new Error(`no golden tensor ${name}`);
  const bytes = await readTensor(tensor);
  return value(new array(bytes.buffer), tensor.shape, tensor.dtype);
}

async function readAll(names: Readonly<Record<string, string>>): Promise<Record<string, Value>> {
  const pairs = Object.entries(names).map(async ([key, name]) => [key, await read(name)] as const);
  return Object.fromEntries(await Promise.all(pairs));
}

/** All tensors of a case. */
export async function numbersOf({ inputs, outputs, upstream, grads }: OpCase): Promise<OpNumbers> {
  return {
    inputs: await readAll(inputs),
    outputs: await readAll(outputs),
    upstream: await readAll(upstream),
    grads: await readAll(grads),
  };
}
