/** @file AdamW with EMA over a list of parameters: as an ONNX graph, as a plain loop, and the list that is measured. */
import { encodeOnnxModel, type OnnxNode, type OnnxValue } from "../../src/formats/index.ts";

/** What AdamW (Loshchilov & Hutter 2019) and the moving average need in one step, folded into factors. */
export interface Factors {
  readonly beta1: number;
  /** (1 − β1) × clip */
  readonly mix1: number;
  readonly beta2: number;
  /** (1 − β2) × clip² */
  readonly mix2: number;
  /** 1 − lr · weight decay */
  readonly keep: number;
  /** √(1/(1 − β2ᵗ)) · (1 − β1ᵗ)/lr: the root's factor once the step size is divided out */
  readonly root: number;
  /** ε · (1 − β1ᵗ)/lr */
  readonly eps: number;
  /** 1 − decay of the moving average */
  readonly average: number;
}
export const factorNames = [
  "beta1",
  "mix1",
  "beta2",
  "mix2",
  "keep",
  "root",
  "eps",
  "average",
] as const satisfies (keyof Factors)[];

export function factorsAt(step: number, learningRate = 1e-4): Factors {
  const [b1, b2, decay, epsilon, weightDecay] = [0.9, 0.99, 0.999, 1e-8, 0.01];
  const scale = (1 - b1 ** step) / learningRate;
  return {
    beta1: b1,
    mix1: 1 - b1,
    beta2: b2,
    mix2: 1 - b2,
    keep: 1 - learningRate * weightDecay,
    root: scale / Math.sqrt(1 - b2 ** step),
    eps: epsilon * scale,
    average: 1 - decay,
  };
}

/** Parameters, gradients, both moments and the average, as one array each. */
export interface State {
  readonly p: Float32Array;
  readonly g: Float32Array;
  readonly m: Float32Array;
  readonly v: Float32Array;
  readonly e: Float32Array;
}
export const inputNames = ["p", "g", "m", "v", "e"] as const;
export const outputNames = ["p", "m", "v", "e"] as const;

/** The update of `[from, to)` in place, in the order of the graph. */
export function updateInPlace({ p, g, m, v, e }: State, f: Factors, from: number, to: number) {
  const { beta1, mix1, beta2, mix2, keep, root, eps, average } = f;
  for (let i = from; i < to; i++) {
    const gradient = g[i];
    const first = beta1 * m[i] + mix1 * gradient;
    const second = beta2 * v[i] + mix2 * gradient * gradient;
    const next = keep * p[i] - first / (root * Math.sqrt(second) + eps);
    m[i] = first;
    v[i] = second;
    p[i] = next;
    e[i] += average * (next - e[i]);
  }
}

/** One graph that updates tensors of the given sizes: inputs `p0 g0 m0 v0 e0 …` and the factors, outputs `p0' m0' v0' e0' …`. */
export function updateModel(sizes: readonly number[]): Uint8Array {
  const nodes: OnnxNode[] = [];
  const node = (op: string, out: string, ...inputs: string[]): string => {
    nodes.push({ op, inputs, outputs: [out] });
    return out;
  };
  const f32 = (name: string, size: number): OnnxValue => ({ name, dtype: "f32", shape: [size] });
  sizes.forEach((_, i) => {
    const at = (name: string): string => name + i;
    const times = (out: string, a: string, b: string) => node("Mul", at(out), a, b);
    const plus = (out: string, a: string, b: string) => node("Add", at(out), a, b);
    const [p, g, m, v, e] = inputNames.map(at);
    const first = plus("m'", times("bm", m, "beta1"), times("bg", g, "mix1"));
    const second = plus("v'", times("bv", v, "beta2"), times("mg", times("gg", g, g), "mix2"));
    const below = plus("below", times("rv", node("Sqrt", at("sv"), second), "root"), "eps");
    const step = node("Div", at("step"), first, below);
    const next = node("Sub", at("p'"), times("kp", p, "keep"), step);
    plus("e'", e, times("de", node("Sub", at("d"), next, e), "average"));
  });
  return encodeOnnxModel({
    opsets: { "": 17 },
    nodes,
    initializers: [],
    inputs: [
      ...factorNames.map((name) => f32(name, 1)),
      ...sizes.flatMap((size, i) => inputNames.map((name) => f32(name + i, size))),
    ],
    outputs: sizes.flatMap((size, i) => outputNames.map((name) => f32(`${name}'${i}`, size))),
  });
}

/** 19 M parameters in 250 tensors, spread as a U-Net of 128, 256 and 384 channels has them. */
export function unetSizes(): number[] {
  const of = (count: number, size: number): number[] => Array<number>(count).fill(size);
  return [
    ...of(2, 384 * 384 * 9),
    ...of(16, 256 * 256 * 9),
    ...of(10, 128 * 256 * 9),
    ...of(10, 128 * 128 * 9),
    ...of(38, 256 * 256),
    ...of(174, 256),
  ];
}
