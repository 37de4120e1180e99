/** @file Every operation and its gradient against PyTorch 2.9: the cases of goldens/ops, all of them. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { pullback } from "../src/autodiff/index.ts";
import type { DType } from "../src/base/index.ts";
import { openSafetensors, readTensor } from "../src/formats/index.ts";
import { value, type Value } from "../src/runtime/index.ts";
import { input, type Tensor, type Values } from "../src/tensor/index.ts";
import { evaluate } from "./reference/evaluate.ts";
import { goldenOps, type Params } from "./reference/op-table.ts";

type Names = Readonly<Record<string, string>>;
interface Case {
  readonly name: string;
  readonly op: string;
  readonly params: Params;
  readonly inputs: Names;
  readonly outputs: Names;
  readonly upstream: Names;
  readonly grads: Names;
}

const folder = new URL("goldens/ops/", import.meta.url);
// The goldens' own header says what the file holds; its shape is this project's data, not a user's.
const goldens = JSON.parse(readFileSync(new URL("ops.json", folder), "utf8")) as {
  tolerance: { absolute: number; relative: number };
  cases: readonly Case[];
};
const stored = await openSafetensors(new URL("ops.safetensors", folder).pathname);

const arrays: { readonly [K in DType]?: new (buffer: ArrayBuffer) => Values } = {
  f32: Float32Array,
  f16: Uint16Array,
  bf16: Uint16Array,
  i64: BigInt64Array,
  bool: Uint8Array,
};

async function read(name: string): Promise<Value> {
  const tensor = stored.tensors.get(name);
  const array = tensor && arrays[tensor.dtype];
  if (!array) throw new Error(`no golden tensor ${name}`);
  const bytes = await readTensor(tensor);
  return value(new array(bytes.buffer), tensor.shape, tensor.dtype);
}

async function readAll(names: Names): Promise<Record<string, Value>> {
  const pairs = Object.entries(names).map(async ([key, name]) => [key, await read(name)] as const);
  return Object.fromEntries(await Promise.all(pairs));
}

function expectEqual(ours: Value, theirs: Value, what: string): void {
  expect(ours.dtype, what).toBe(theirs.dtype);
  expect(ours.shape, what).toEqual(theirs.shape);
  expect(ours.data.length, what).toBe(theirs.data.length);
  const { absolute, relative } = goldens.tolerance;
  for (let i = 0; i < theirs.data.length; i++) {
    const [a, b] = [Number(ours.data[i]), Number(theirs.data[i])];
    const within = a === b || Math.abs(a - b) <= absolute + relative * Math.abs(b);
    // Indices and masks are exact; only f32 may differ by rounding.
    const fits = theirs.dtype === "f32" ? within : a === b;
    if (!fits) expect.fail(`${what}[${i}] is ${a}, PyTorch says ${b}`);
  }
}

const namedOutputs = (y: Tensor | Record<string, Tensor>): Record<string, Tensor> =>
  "node" in y ? { y: y as Tensor } : y;

async function check({ name, op, params, ...files }: Case): Promise<number> {
  const inputs = await readAll(files.inputs);
  const upstream = await readAll(files.upstream);
  const leaves = Object.fromEntries(
    Object.entries(inputs).map(([key, { shape, dtype }]) => [key, input(key, shape, dtype)]),
  );
  const made = namedOutputs(goldenOps[op](leaves, params, name));
  const outputs = Object.fromEntries(Object.keys(files.outputs).map((key) => [key, made[key]]));
  const wrt = Object.keys(files.grads);
  const sources = Object.keys(upstream);
  const gradients = pullback(
    sources.map((key) => outputs[key]),
    sources.map((key) => input(`up:${key}`, upstream[key].shape)),
    wrt.map((key) => leaves[key]),
  );
  const given = Object.entries(upstream).map(([key, v]) => [`up:${key}`, v]);
  const asked = Object.fromEntries(gradients.map((g, i) => [`grad:${wrt[i]}`, g]));
  const results = await evaluate(
    { ...outputs, ...asked },
    { ...inputs, ...(Object.fromEntries(given) as Record<string, Value>) },
  );
  let compared = 0;
  for (const [key, golden] of Object.entries(files.outputs)) {
    expectEqual(results[key], await read(golden), `${name}: ${key}`);
    compared++;
  }
  for (const [key, golden] of Object.entries(files.grads)) {
    expectEqual(results[`grad:${key}`], await read(golden), `${name}: gradient of ${key}`);
    compared++;
  }
  return compared;
}

/** The bits of a float array, so that −0 and the sign of infinity count. */
const bitsOf = ({ data }: Value) => [...new Uint32Array((data as Float32Array).slice().buffer)];

/** Casts to 16 bits and back, by bits; bf16 itself cannot leave the engine, but its bits are the upper half of f32. */
async function checkCast({ name, op, params, ...files }: Case): Promise<number> {
  const inputs = await readAll(files.inputs);
  const theirs = await readAll(files.outputs);
  const { half, back } = namedOutputs(
    goldenOps[op]({ x: input("x", inputs.x.shape) }, params, name),
  );
  const results = await evaluate(params.to === "float16" ? { half, back } : { back }, inputs);
  expect(bitsOf(results.back)).toEqual(bitsOf(theirs.back));
  const bits = results.half
    ? [...new Uint16Array(results.half.data.buffer, results.half.data.byteOffset, half.size)]
    : bitsOf(results.back).map((n) => n >>> 16);
  expect(bits).toEqual([...(theirs.half.data as Uint16Array)]);
  return 2;
}

const seen = new Map<string, number>();

describe("ops as PyTorch computes them", () => {
  test.each(goldens.cases.map((c) => [c.name, c] as const))("%s", async (name, one) => {
    seen.set(name, await (one.op === "cast" ? checkCast(one) : check(one)));
  });

  test("all cases and all their tensors were compared", () => {
    expect(goldens.cases.length).toBe(228);
    expect([...seen.keys()]).toEqual(goldens.cases.map((c) => c.name));
    const expected = goldens.cases.map(
      (c) => Object.keys(c.outputs).length + Object.keys(c.grads).length,
    );
    expect([...seen.values()]).toEqual(expected);
  });
});
