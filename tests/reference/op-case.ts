/** @file One case of goldens/ops: what to compute for it, and whether the answers are PyTorch's. Runs in a browser too. */
import { pullback } from "../../src/autodiff/index.ts";
import type { Value } from "../../src/runtime/index.ts";
import { input, type Tensor } from "../../src/tensor/index.ts";
import { goldenOps, type Params } from "./op-table.ts";

type Names = Readonly<Record<string, string>>;
export interface OpCase {
  readonly name: string;
  readonly op: string;
  readonly params: Params;
  readonly inputs: Names;
  readonly outputs: Names;
  readonly upstream: Names;
  readonly grads: Names;
}

/** The case's tensors by the names that the case gives them. */
export interface OpNumbers {
  readonly inputs: Readonly<Record<string, Value>>;
  readonly outputs: Readonly<Record<string, Value>>;
  readonly upstream: Readonly<Record<string, Value>>;
  readonly grads: Readonly<Record<string, Value>>;
}

export interface Tolerance {
  readonly absolute: number;
  readonly relative: number;
}

/** How a graph of named outputs is computed. */
export type Evaluate = (
  outputs: Record<string, Tensor>,
  inputs: Readonly<Record<string, Value>>,
) => Promise<Record<string, Value>>;

const namedOutputs = (y: Tensor | Record<string, Tensor>): Record<string, Tensor> =>
  "node" in y ? { y: y as Tensor } : y;

/** Computes a case and compares all of it. Returns how many tensors were compared; throws where one differs. */
export function checkOpCase(
  one: OpCase,
  numbers: OpNumbers,
  { evaluate, tolerance }: { evaluate: Evaluate; tolerance: Tolerance },
): Promise<number> {
  return one.op === "cast"
    ? checkCast(one, numbers, evaluate)
    : check(one, numbers, evaluate, tolerance);
}

async function check(
  { name, op, params, outputs: wanted }: OpCase,
  numbers: OpNumbers,
  evaluate: Evaluate,
  tolerance: Tolerance,
): Promise<number> {
  const { inputs, upstream, grads } = numbers;
  const leaves = Object.fromEntries(
    Object.entries(inputs).map(([key, { shape, dtype }]) => [key, input(key, shape, dtype)]),
  );
  const made = namedOutputs(goldenOps[op](leaves, params, name));
  const outputs = Object.fromEntries(Object.keys(wanted).map((key) => [key, made[key]]));
  const wrt = Object.keys(grads);
  const sources = Object.keys(upstream);
  const gradients = pullback(
    sources.map((key) => outputs[key]),
    sources.map((key) => input(`up:${key}`, upstream[key].shape)),
    wrt.map((key) => leaves[key]),
  );
  const given = Object.fromEntries(Object.entries(upstream).map(([key, v]) => [`up:${key}`, v]));
  const asked = Object.fromEntries(gradients.map((g, i) => [`grad:${wrt[i]}`, g]));
  const results = await evaluate({ ...outputs, ...asked }, { ...inputs, ...given });
  for (const [key, golden] of Object.entries(numbers.outputs))
    requireEqual(results[key], golden, { what: `${name}: ${key}`, tolerance });
  for (const [key, golden] of Object.entries(grads))
    requireEqual(results[`grad:${key}`], golden, {
      what: `${name}: gradient of ${key}`,
      tolerance,
    });
  return Object.keys(numbers.outputs).length + wrt.length;
}

/** Throws unless ours are theirs: f32 within the tolerance, indices and masks exactly. */
function requireEqual(
  ours: Value,
  theirs: Value,
  { what, tolerance }: { what: string; tolerance: Tolerance },
): void {
  const [came, needed] = [ours, theirs].map(
    ({ dtype, shape, data }) => `${dtype}[${shape.join()}] of ${data.length} numbers`,
  );
  if (came !== needed) throw new Error(`${what} is ${came}, PyTorch has ${needed}`);
  const { absolute, relative } = tolerance;
  for (let i = 0; i < theirs.data.length; i++) {
    const [a, b] = [Number(ours.data[i]), Number(theirs.data[i])];
    const within = a === b || Math.abs(a - b) <= absolute + relative * Math.abs(b);
    // Indices and masks are exact; only f32 may differ by rounding.
    const fits = theirs.dtype === "f32" ? within : a === b;
    if (!fits) throw new Error(`${what}[${i}] is ${a}, PyTorch says ${b}`);
  }
}

/** The bits of a float array, so that −0 and the sign of infinity count. */
const bitsOf = ({ data }: Value) => [...new Uint32Array((data as Float32Array).slice().buffer)];

/** Casts to 16 bits and back, by bits; bf16 itself cannot leave the engine, but its bits are the upper half of f32. */
async function checkCast(
  { name, op, params }: OpCase,
  { inputs, outputs: theirs }: OpNumbers,
  evaluate: Evaluate,
): Promise<number> {
  const { half, back } = namedOutputs(
    goldenOps[op]({ x: input("x", inputs.x.shape) }, params, name),
  );
  const results = await evaluate(params.to === "float16" ? { half, back } : { back }, inputs);
  const backBits = bitsOf(results.back);
  const halfBits = results.half
    ? [...new Uint16Array(results.half.data.buffer, results.half.data.byteOffset, half.size)]
    : backBits.map((n) => n >>> 16);
  const same = (a: readonly number[], b: readonly number[]) => a.join() === b.join();
  if (!same(backBits, bitsOf(theirs.back))) throw new Error(`${name}: back has other bits`);
  if (!same(halfBits, [...(theirs.half.data as Uint16Array)]))
    throw new Error(`${name}: half has other bits`);
  return 2;
}
