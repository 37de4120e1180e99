/** @file One check for every op: values against a slow obvious function, gradients against finite differences. */
import { expect } from "vitest";
import { PhiloxRandom } from "../../src/base/index.ts";
import { pullback } from "../../src/autodiff/index.ts";
import { ortEngine, value, type Program, type Value } from "../../src/runtime/index.ts";
import { graphOf, input, verify, type Tensor } from "../../src/tensor/index.ts";

/** An operand: random normal numbers of a shape, put through `map` to lie where the op is smooth. */
export interface OperandCase {
  readonly shape: readonly number[];
  readonly map?: (n: number) => number;
  /** Given numbers instead of random ones; an i64 operand has no gradient. */
  readonly given?: Value;
}

export interface OpCase {
  readonly operands: readonly (OperandCase | readonly number[])[];
  readonly ours: (...x: Tensor[]) => Tensor | readonly Tensor[];
  /** The same from plain numbers, when it can be said in a line or two. */
  readonly naive?: (...x: (readonly number[])[]) => readonly number[];
  readonly tolerance?: number;
  readonly seed?: number;
}

/** Weights of the five-point stencil for a first derivative: error of order h⁴, so f32 affords a wide step. */
const stencil = [
  [-2, 1 / 12],
  [-1, -8 / 12],
  [1, 8 / 12],
  [2, -1 / 12],
] as const;
const step = 2 ** -5;
/** Operands are multiples of 2⁻¹²: moved by a step they are still exact in f32. */
const onGrid = (n: number) => Math.round(n * 4096) / 4096;

function operandOf(operand: OperandCase | readonly number[]): OperandCase {
  return "shape" in operand ? operand : { shape: operand };
}

function draw({ shape, map, given }: OperandCase, seed: number): Value {
  if (given) return given;
  const { data } = new PhiloxRandom(seed).normal(shape);
  return value(
    data.map((n) => onGrid(map ? map(n) : n)),
    shape,
  );
}

const dot = (a: ArrayLike<number | bigint>, b: ArrayLike<number>) => {
  let sum = 0;
  for (let i = 0; i < b.length; i++) sum += Number(a[i]) * b[i];
  return sum;
};

function expectClose(
  ours: ArrayLike<number | bigint>,
  theirs: ArrayLike<number>,
  tolerance: number,
  what: string,
) {
  expect(ours.length, what).toBe(theirs.length);
  for (let i = 0; i < theirs.length; i++) {
    const off = Math.abs(Number(ours[i]) - theirs[i]) / (1 + Math.abs(theirs[i]));
    expect(off, `${what}[${i}]: ${ours[i]} against ${theirs[i]}`).toBeLessThanOrEqual(tolerance);
  }
}

async function slopes(
  program: Program,
  inputs: Record<string, Value>,
  name: string,
  cotangents: Record<string, Float32Array>,
): Promise<number[]> {
  const { shape, data } = inputs[name];
  const result: number[] = [];
  for (let i = 0; i < data.length; i++) {
    let slope = 0;
    for (const [k, weight] of stencil) {
      const moved = Float32Array.from(data as Float32Array);
      moved[i] += k * step;
      const y = await program.run({ ...inputs, [name]: value(moved, shape) });
      for (const [output, weights] of Object.entries(cotangents))
        slope += (weight / step) * dot(y[output].data, weights);
    }
    result.push(slope);
  }
  return result;
}

/** Checks values, then the gradient of Σ y · c for random c against finite differences. */
export async function checkOp(name: string, options: OpCase): Promise<void> {
  const { ours, naive, tolerance = 5e-5, seed = 1 } = options;
  const operands = options.operands.map(operandOf);
  const inputs: Record<string, Value> = {};
  operands.forEach((operand, i) => (inputs[`x${i}`] = draw(operand, seed + i)));
  const leaves = operands.map((_, i) =>
    input(`x${i}`, inputs[`x${i}`].shape, inputs[`x${i}`].dtype),
  );
  const result = ours(...leaves);
  const outputs = "node" in result ? [result] : result;
  const named = Object.fromEntries(outputs.map((y, i) => [`y${i}`, y]));
  const floats = outputs.filter((y) => y.dtype === "f32");
  const cotangents = floats.map((y, i) => draw({ shape: y.shape }, seed + 100 + i));
  const wrt = leaves.filter((x) => x.dtype === "f32");
  const seeds = floats.map((y, i) => input(`c${i}`, y.shape));
  const gradients = pullback(floats, seeds, wrt);
  const backward = graphOf(Object.fromEntries(gradients.map((g, i) => [wrt[i].label ?? "", g])));
  verify(backward);

  const engine = await ortEngine();
  await using program = await engine.compile(graphOf(named), { bind: () => ({ kind: "input" }) });
  await using gradient = await engine.compile(backward, { bind: () => ({ kind: "input" }) });
  const y = await program.run(inputs);
  if (naive) {
    const plain = leaves.map((x) => Array.from(inputs[x.label ?? ""].data, Number));
    expectClose(y.y0.data, naive(...plain), 1e-5, `${name} y`);
  }
  const upstream = Object.fromEntries(cotangents.map((c, i) => [`c${i}`, c]));
  const analytic = await gradient.run({ ...inputs, ...upstream });
  const weights = Object.fromEntries(
    floats.map((t, i) => [`y${outputs.indexOf(t)}`, cotangents[i].data as Float32Array]),
  );
  for (const x of wrt) {
    const label = x.label ?? "";
    const numeric = await slopes(program, inputs, label, weights);
    expectClose(analytic[label].data, numeric, tolerance, `${name} d${label}`);
  }
}
