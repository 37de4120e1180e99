/** @file Layers that no golden covers, against slow obvious arithmetic; starts and names against PyTorch's rules. */
import { expect, test } from "vitest";
import { ortEngine, value, type Value } from "../runtime/index.ts";
import { graphOf, input, type Tensor } from "../tensor/index.ts";
import {
  Attention,
  Conv2d,
  Downsample2D,
  Embedding,
  LayerNorm,
  Linear,
  parametersOf,
  place,
  ResnetBlock2D,
  TextTimeEmbedding,
  timestepEmbedding,
  Upsample2D,
  type Module,
} from "./index.ts";

/** Numbers that differ everywhere, from the golden ratio; about −1 to 1. */
const spread = (count: number, from: number) =>
  Float32Array.from({ length: count }, (_, i) => 2 * (((i + from) * 0.618034) % 1) - 1);

type Weights = Readonly<Record<string, Float32Array>>;

function weightsOf(module: Module): Weights {
  const entries = parametersOf(module).map((p, i) => [p.path, spread(p.size, 17 * i)] as const);
  return Object.fromEntries(entries);
}

async function run(y: Tensor, inputs: Record<string, Value>, weights: Weights = {}) {
  const engine = await ortEngine();
  await using program = await engine.compile(graphOf({ y }), {
    bind: (p) => ({ kind: "array", data: weights[p.path] }),
  });
  return [...((await program.run(inputs)).y.data as Float32Array)];
}

function expectClose(ours: readonly number[], naive: readonly number[]): void {
  expect(ours.length).toBe(naive.length);
  ours.forEach((y, i) => expect(y).toBeCloseTo(naive[i], 4));
}

/** Plain arithmetic on rows of numbers. */
const sum = (x: readonly number[]) => x.reduce((a, b) => a + b, 0);
const dot = (a: readonly number[], b: readonly number[]) => sum(a.map((n, i) => n * b[i]));
const normalised = (x: readonly number[], eps: number) => {
  const mean = sum(x) / x.length;
  const variance = sum(x.map((n) => (n - mean) ** 2)) / x.length;
  return x.map((n) => (n - mean) / Math.sqrt(variance + eps));
};
const rows = (x: Float32Array, width: number) =>
  Array.from({ length: x.length / width }, (_, i) => [...x.subarray(i * width, (i + 1) * width)]);
const affine = (weights: Weights, name: string) => (x: readonly number[]) => {
  const bias = weights[`${name}.bias`];
  return rows(weights[`${name}.weight`], x.length).map((row, i) => dot(row, x) + bias[i]);
};
const norm = (weights: Weights, name: string) => (x: readonly number[]) =>
  normalised(x, 1e-5).map((n, i) => n * weights[`${name}.weight`][i] + weights[`${name}.bias`][i]);

test("TextTimeEmbedding pools by the attention of one mean token, head by head", async () => {
  const [length, width, timeWidth, heads] = [5, 6, 4, 3];
  const module = place(new TextTimeEmbedding(width, timeWidth, { heads }));
  const weights = weightsOf(module);
  const text = spread(length * width, 3);

  const tokens = rows(text, width).map(norm(weights, "norm1"));
  const place0 = weights["pool.positional_embedding"];
  const mean = place0.map((p, i) => sum(tokens.map((t) => t[i])) / length + p);
  const all = [[...mean], ...tokens];
  const q = affine(weights, "pool.q_proj")([...mean]);
  const k = all.map(affine(weights, "pool.k_proj"));
  const v = all.map(affine(weights, "pool.v_proj"));
  const pooled: number[] = [];
  for (let h = 0; h < heads; h += 1) {
    const own = (x: readonly number[]) => x.slice((h * width) / heads, ((h + 1) * width) / heads);
    const scores = k.map((row) => Math.exp(dot(own(q), own(row)) / Math.sqrt(width / heads)));
    const shares = scores.map((s) => s / sum(scores));
    pooled.push(
      ...own(v[0]).map((_, i) =>
        dot(
          shares,
          v.map((row) => own(row)[i]),
        ),
      ),
    );
  }
  const naive = norm(weights, "norm2")(affine(weights, "proj")(pooled));

  const y = module.call(input("text", [1, length, width]));
  expectClose(await run(y, { text: value(text, [1, length, width]) }, weights), naive);
});

test("ResnetBlock2D: scale_shift multiplies by 1 + scale and adds shift after the second norm", async () => {
  // One pixel and one group per channel pair: a 3×3 convolution is then its centre tap.
  const [channels, timeWidth] = [4, 3];
  const options = { norm: { groups: 2, eps: 1e-5 }, timeWidth, outputScale: 2 } as const;
  const module = place(
    new ResnetBlock2D(channels, channels, { ...options, timeScaleShift: "scale_shift" }),
  );
  const weights = weightsOf(module);
  const [x, time] = [spread(channels, 1), spread(timeWidth, 9)];

  const silu = (n: number) => n / (1 + Math.exp(-n));
  const groups = (name: string, h: readonly number[]) =>
    [h.slice(0, 2), h.slice(2)]
      .flatMap((pair) => normalised(pair, 1e-5))
      .map((n, i) => n * weights[`${name}.weight`][i] + weights[`${name}.bias`][i]);
  const centre = (name: string, h: readonly number[]) =>
    Array.from({ length: channels }, (_, o) => {
      const taps = h.map((n, i) => n * weights[`${name}.weight`][(o * channels + i) * 9 + 4]);
      return sum(taps) + weights[`${name}.bias`][o];
    });
  const first = centre("conv1", groups("norm1", [...x]).map(silu));
  const scaleShift = affine(weights, "time_emb_proj")([...time].map(silu));
  const second = groups("norm2", first).map(
    (n, i) => n * (1 + scaleShift[i]) + scaleShift[i + channels],
  );
  const naive = centre("conv2", second.map(silu)).map((n, i) => (n + x[i]) / 2);

  const y = module.call(input("x", [1, channels, 1, 1]), input("time", [1, timeWidth]));
  const inputs = { x: value(x, [1, channels, 1, 1]), time: value(time, [1, timeWidth]) };
  expectClose(await run(y, inputs, weights), naive);
});

test("timestepEmbedding: sin and cos of t·10⁴^(−i/(half − shift)), fractions of t kept", async () => {
  const [t, width] = [[0, 1, 428.21997, 999], 8];
  for (const shift of [0, 1]) {
    const angles = t.map((s) => [0, 1, 2, 3].map((i) => s * 10000 ** (-i / (4 - shift))));
    const sinCos = angles.flatMap((a) => [...a.map(Math.sin), ...a.map(Math.cos)]);
    const cosSin = angles.flatMap((a) => [...a.map(Math.cos), ...a.map(Math.sin)]);
    const at = input("t", [4]);
    const given = { t: value(t, [4]) };
    // f32 knows t·f to 3e-5 at t = 999.
    const close = (ours: number[], naive: number[]) =>
      ours.forEach((y, i) => expect(Math.abs(y - naive[i])).toBeLessThan(1e-4));
    close(await run(timestepEmbedding(at, width, { order: "sin-cos", shift }), given), sinCos);
    close(await run(timestepEmbedding(at, width, { order: "cos-sin", shift }), given), cosSin);
  }
});

test("Downsample2D pads at the end only where padding is 0; Upsample2D meets the size it is given", () => {
  const size = (x: Tensor) => x.shape.slice(2);
  const x = input("x", [1, 4, 7, 10]);
  expect(size(new Downsample2D(4, { padding: 1 }).call(x))).toEqual([4, 5]);
  expect(size(new Downsample2D(4, { padding: 0 }).call(x))).toEqual([3, 5]);
  expect(size(new Upsample2D(4).call(x))).toEqual([14, 20]);
  expect(size(new Upsample2D(4).call(x, [13, 19]))).toEqual([13, 19]);
});

test("parameters start as PyTorch's do", () => {
  const inits = (module: Module) => parametersOf(module).map((p) => p.init);
  const uniform = (bound: number) => ({ kind: "uniform", bound });
  expect(inits(new Linear(16, 3))).toEqual([uniform(1 / 4), uniform(1 / 4)]);
  expect(inits(new Conv2d(4, 5, { kernel: 3 }))).toEqual([uniform(1 / 6), uniform(1 / 6)]);
  expect(inits(new LayerNorm(4))).toEqual([
    { kind: "constant", value: 1 },
    { kind: "constant", value: 0 },
  ]);
  expect(inits(new Embedding(4, 5))).toEqual([{ kind: "normal", std: 1 }]);
});

test("Attention has no bias but at the end, and names its parameters as checkpoints do", () => {
  const module = place(new Attention(8, { heads: 2, contextWidth: 6 }), "attn2");
  expect(parametersOf(module).map((p) => `${p.path} ${p.shape.join("x")}`)).toEqual([
    "attn2.to_q.weight 8x8",
    "attn2.to_k.weight 8x6",
    "attn2.to_v.weight 8x6",
    "attn2.to_out.0.weight 8x8",
    "attn2.to_out.0.bias 8",
  ]);
});
