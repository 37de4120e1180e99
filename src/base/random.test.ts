/** @file Generators against PyTorch 2.9.1, published known answers and exact laws. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { openSafetensors, readTensor, type SafetensorsIndex } from "../formats/index.ts";
import { keyedRandom } from "./random-keyed.ts";
import { PhiloxRandom, philox4x32 } from "./random-philox.ts";
import { TorchRandom, type NoiseType } from "./random-torch.ts";
import { fromBf16Bits, fromF16Bits } from "./float16.ts";
import type { Random } from "./random.ts";

interface Values {
  values?: string;
  first?: string;
  last?: string;
  sum?: number;
  sum_of_squares?: number;
}
interface TorchCase extends Values {
  op: string;
  seed: number;
  shape: number[];
  dtype?: string;
  n: number;
  low: number;
  high: number;
}
interface Sequence {
  name: string;
  seed: number;
  calls: { op: string; n: number; high?: number; values: string }[];
}
interface PhiloxCase {
  seed: string;
  calls: (Values & { shape: number[] })[];
  words: string;
}
interface Goldens {
  torch: TorchCase[];
  sequences: Sequence[];
  philox: PhiloxCase[];
}

const folder = "tests/goldens/random";
const text = readFileSync(`${folder}/random.json`, "utf8");
/** Seeds beyond 2^53 do not survive JSON numbers, so Philox seeds become texts first. */
const goldens = JSON.parse(
  text.replace(/\{"seed": (\d+), "calls"/g, '{"seed": "$1", "calls"'),
) as Goldens;

let index: SafetensorsIndex;
beforeAll(async () => {
  index = await openSafetensors(`${folder}/random.safetensors`);
});

/** A golden tensor as numbers, whatever its dtype. */
async function numbers(name: string): Promise<number[]> {
  const tensor = index.tensors.get(name);
  if (!tensor) throw new Error(`no golden ${name}`);
  const { buffer } = await readTensor(tensor);
  switch (tensor.dtype) {
    case "f64":
      return [...new Float64Array(buffer)];
    case "f32":
      return [...new Float32Array(buffer)];
    case "i64":
      return [...new BigInt64Array(buffer)].map(Number);
    case "f16":
      return [...new Uint16Array(buffer)].map(fromF16Bits);
    case "bf16":
      return [...new Uint16Array(buffer)].map(fromBf16Bits);
    default:
      throw new Error(`unexpected ${tensor.dtype}`);
  }
}

async function compare(found: ArrayLike<number>, golden: Values, tolerance: number): Promise<void> {
  const close = (a: ArrayLike<number>, b: readonly number[]) => {
    expect(a.length).toBe(b.length);
    b.forEach((value, i) => {
      if (!(Math.abs(a[i] - value) <= tolerance)) expect.fail(`[${i}] is ${a[i]}, not ${value}`);
    });
  };
  const all = Array.from(found);
  if (golden.values !== undefined) return close(all, await numbers(golden.values));
  close(all.slice(0, 32), await numbers(golden.first ?? ""));
  close(all.slice(-32), await numbers(golden.last ?? ""));
  const squares = all.reduce((sum, x) => sum + x * x, 0);
  expect(Math.abs(all.reduce((a, b) => a + b) - (golden.sum ?? NaN))).toBeLessThan(0.05);
  expect(Math.abs(squares / (golden.sum_of_squares ?? NaN) - 1)).toBeLessThan(1e-5);
}

const types: Record<string, NoiseType> = { float64: "f64", float16: "f16", bfloat16: "bf16" };

/** The tolerances of the goldens: f16, bf16, uniform and whole numbers are exact. */
function normalTolerance(count: number, type: NoiseType): number {
  if (type === "f16" || type === "bf16") return 0;
  return count < 16 ? 1e-6 : 5e-6;
}

describe("the torch generator", () => {
  test.each(
    goldens.torch.map((c) => [`${c.op} ${c.seed} ${c.values ?? c.first ?? ""}`, c] as const),
  )("%s", async (_, golden) => {
    const random = new TorchRandom(golden.seed);
    const count = (golden.shape ?? []).reduce((a, b) => a * b, 1);
    const type = types[golden.dtype ?? ""] ?? "f32";
    if (golden.op === "randn")
      await compare(random.drawNormal(count, type), golden, normalTolerance(count, type));
    else if (golden.op === "rand") await compare(random.drawUniform(count, type), golden, 0);
    else if (golden.op === "randint")
      await compare(random.integers(golden.low, golden.high, count), golden, 0);
    else if (golden.op === "randperm") await compare(random.permutation(golden.n), golden, 0);
    else if (golden.op === "bernoulli") {
      const p = Array.from({ length: 24 }, (_, i) => 0.1 + (0.8 * i) / 23);
      const drawn = random.uniform([24]).data;
      await compare(
        p.map((x, i) => (drawn[i] < x ? 1 : 0)),
        golden,
        0,
      );
    } else {
      expect(golden.op).toBe("random_ int64");
      const tensor = index.tensors.get(golden.values ?? "");
      if (!tensor) throw new Error("no golden");
      const [expected] = new BigInt64Array((await readTensor(tensor)).buffer);
      expect(random.seed63()).toBe(expected);
    }
  });

  test.each(goldens.sequences.map((s) => [`${s.name} of seed ${s.seed}`, s] as const))(
    "%s",
    async (_, { seed, calls }) => {
      const random = new TorchRandom(Number(seed));
      for (const { op, n, high = 0, values } of calls)
        if (op === "randn")
          await compare(random.normal([n]).data, { values }, normalTolerance(n, "f32"));
        else if (op === "rand") await compare(random.uniform([n]).data, { values }, 0);
        else if (op === "randint") await compare(random.integers(0, high, n), { values }, 0);
        else await compare(random.permutation(n), { values }, 0);
    },
  );

  test("counts a seed modulo 2^32", () => {
    const first = (seed: number | bigint) => new TorchRandom(seed).normal([20]).data;
    expect(first(-1)).toEqual(first(2 ** 32 - 1));
    expect(first((1n << 63n) + 7n)).toEqual(first(7));
  });
});

describe("Philox", () => {
  test.each([
    [[0, 0, 0, 0], [0, 0], "6627e8d5 e169c58d bc57ac4c 9b00dbd8"],
    [
      [0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344],
      [0xa4093822, 0x299f31d0],
      "d16cfe09 94fdcceb 5001e420 24126ea1",
    ],
    [
      [0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff],
      [0xffffffff, 0xffffffff],
      "408f276d 41c83b0e a20bc7c6 6d5451fd",
    ],
  ] as const)("gives the published answer for counter %j", (counter, key, expected) => {
    const out = new Uint32Array(4);
    philox4x32(counter, key, out);
    expect([...out].map((word) => word.toString(16).padStart(8, "0")).join(" ")).toBe(expected);
  });

  test.each(goldens.philox.map((c) => [c.seed, c] as const))("seed %s", async (seed, golden) => {
    const random = new PhiloxRandom(BigInt(seed));
    for (const call of golden.calls) await compare(random.normal(call.shape).data, call, 2e-6);
    const words = Array.from({ length: 8 }, (_, i) => {
      const out = new Uint32Array(4);
      const bits = BigInt(seed);
      philox4x32([0, 0, i, 0], [Number(bits & 0xffffffffn), Number(bits >> 32n)], out);
      return [...out];
    });
    const expected = await numbers(golden.words); // [4, 8], a row for each word
    expect([0, 1, 2, 3].flatMap((word) => words.map((block) => block[word]))).toEqual(expected);
  });
});

const generators: [string, (seed: number) => Random][] = [
  ["torch", (seed) => new TorchRandom(seed)],
  ["Philox", (seed) => new PhiloxRandom(seed)],
  ["keyed", (seed) => keyedRandom(seed, 3, 4)],
];
describe.each(generators)("every generator: %s", (_, make) => {
  test("normals have the moments of N(0, 1)", () => {
    const { data } = make(5).normal([100, 1000]);
    const moment = (k: number) => data.reduce((sum, x) => sum + x ** k, 0) / data.length;
    // Five standard errors at 100,000 draws: √(Var x^k / n).
    expect(Math.abs(moment(1))).toBeLessThan(5 * Math.sqrt(1 / 1e5));
    expect(Math.abs(moment(2) - 1)).toBeLessThan(5 * Math.sqrt(2 / 1e5));
    expect(Math.abs(moment(3))).toBeLessThan(5 * Math.sqrt(15 / 1e5));
    expect(Math.abs(moment(4) - 3)).toBeLessThan(5 * Math.sqrt(96 / 1e5));
  });

  test("uniform numbers lie in [0, 1) with mean ½ and variance 1/12", () => {
    const { data } = make(6).uniform([100_000]);
    const mean = data.reduce((a, b) => a + b) / data.length;
    const variance = data.reduce((sum, x) => sum + (x - mean) ** 2, 0) / data.length;
    expect(Math.min(...data.subarray(0, 1000))).toBeGreaterThanOrEqual(0);
    expect(data.every((x) => x >= 0 && x < 1)).toBe(true);
    expect(Math.abs(mean - 0.5)).toBeLessThan(5 * Math.sqrt(1 / 12 / 1e5));
    expect(Math.abs(variance - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / 1e5));
  });

  test("integers cover their range evenly, a permutation holds each number once", () => {
    const random = make(7);
    const counts = new Map<number, number>();
    for (const x of random.integers(-2, 3, 10_000)) counts.set(x, (counts.get(x) ?? 0) + 1);
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([-2, -1, 0, 1, 2]);
    for (const count of counts.values()) expect(Math.abs(count - 2000)).toBeLessThan(200); // 5 σ
    const order = random.permutation(50);
    expect(order.toSorted((a, b) => a - b)).toEqual(order.map((_, i) => i));
    expect(order).not.toEqual(order.map((_, i) => i));
    expect(random.permutation(0)).toEqual([]);
  });

  test("the same seed gives the same numbers, another seed others", () => {
    expect(make(8).normal([50]).data).toEqual(make(8).normal([50]).data);
    expect(make(8).normal([50]).data).not.toEqual(make(9).normal([50]).data);
  });
});

test("keyed streams differ by each part of the key and do not touch each other", () => {
  const first = (seed: number, step: number, index: number) =>
    keyedRandom(seed, step, index).normal([4]).data.join();
  const keys = [first(1, 2, 3), first(2, 2, 3), first(1, 3, 3), first(1, 2, 4), first(1, 3, 2)];
  expect(new Set(keys).size).toBe(keys.length);
  expect(keyedRandom(1, 2, 3).normal([7]).data).toHaveLength(7);
});

test.each([
  [2 ** 32 + 1, [-1.5255959033966064, -0.7502318024635315]],
  [2 ** 33 + 5, [1.8423298597335815, 0.5188871622085571]],
  [2 ** 53 - 1, [-2.664297580718994, -1.0910485982894897]],
  [2n ** 64n - 1n, [-2.664297580718994, -1.0910485982894897]],
])("seed %s draws what torch 2.9.1 draws by it", (seed, [first, second]) => {
  const { data } = new TorchRandom(seed).normal([16]);
  expect(data[0]).toBeCloseTo(first, 6);
  expect(data[1]).toBeCloseTo(second, 6);
});
