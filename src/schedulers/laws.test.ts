/** @file Samplers against exact laws: Gaussian data has a known denoiser and a known answer. */
import { describe, expect, test } from "vitest";
import { hostArray, TorchRandom, type HostArray } from "../base/index.ts";
import { combine, mapValues } from "./arithmetic.ts";
import { ddim } from "./ddim.ts";
import { ddpm, posterior } from "./ddpm.ts";
import { dpmMultistep } from "./dpm-multistep.ts";
import { eulerAncestral } from "./euler-ancestral.ts";
import { euler } from "./euler.ts";
import { guide } from "./guidance.ts";
import { noiseFrom, predictions, type PredictionName } from "./prediction.ts";
import type { Denoiser, Level, NoiseSource, Sampler } from "./sampler.ts";
import { exploding, preserving, type Scaling } from "./scaling.ts";
import { karras } from "./spacing.ts";

interface Gaussian {
  mean: number;
  deviation: number;
}

/** The exact denoiser of N(mean, deviation²): x0 = (α s² x + σ² μ)/(α² s² + σ²). */
function gaussian({ mean, deviation: s }: Gaussian, scaling: Scaling): Denoiser {
  return (x, level) => {
    const { alpha, sigma } = scaling.mix(level);
    const total = alpha ** 2 * s ** 2 + sigma ** 2;
    const denoised = mapValues(x, (v) => (alpha * s ** 2 * v + sigma ** 2 * mean) / total);
    const noise = noiseFrom(denoised, x, { alpha, sigma });
    return Promise.resolve({ denoised, noise, output: noise, variance: null });
  };
}

const silent: NoiseSource = { normal: () => expect.fail("no noise is needed") };
const still: NoiseSource = { normal: (shape) => hostArray(new Float32Array(shape[0]), shape) };
const start = hostArray(Float32Array.of(-15, -10.714286, -6.428571, -2.142857, 2.142857, 15), [6]);
const data: Gaussian = { mean: 0.3, deviation: 0.5 };

/** n Karras intervals from σ 10 to .1; the timestep is the index. */
function levelsOf(n: number): Level[] {
  return karras({ min: 0.1, max: 10 }, n + 1).map((sigma, timestep) => ({ sigma, timestep }));
}

async function last(
  sampler: Sampler,
  denoise: Denoiser,
  { x, levels, random = silent }: { x: HostArray; levels: readonly Level[]; random?: NoiseSource },
): Promise<HostArray> {
  for await (const step of sampler(denoise, x, levels, random)) x = step.x;
  return x;
}

const solver = (
  order: number,
  algorithm: Parameters<typeof dpmMultistep>[0]["algorithm"] = "dpmsolver++",
  kind: "midpoint" | "heun" = "midpoint",
) => dpmMultistep({ algorithm, solver: kind, scaling: preserving, largestOrder: () => order });

/** DDIM that follows the list of levels, whose timesteps are their indices. */
const ddimAlong = (levels: readonly Level[]) =>
  ddim({ eta: 0, before: (index) => levels[index + 1] });

/** Each sampler as a function of the levels, its scaling, and its order of accuracy as laws.json measured it. */
const cases: [string, (levels: readonly Level[]) => Sampler, Scaling, number][] = [
  ["Euler", () => euler, exploding, 1],
  ["Euler a with η 0", () => eulerAncestral(0), exploding, 1],
  ["DDIM", ddimAlong, preserving, 1],
  ["DPM-Solver++ 1", () => solver(1), preserving, 1],
  ["DPM++ 2M", () => solver(2), preserving, 2],
  ["DPM++ 2M heun", () => solver(2, "dpmsolver++", "heun"), preserving, 2],
  ["DPM-Solver 2M", () => solver(2, "dpmsolver"), preserving, 2],
  ["DPM-Solver++ 3M", () => solver(3), preserving, 2],
];

/** Brings x of σ coordinates into a scaling at the first level. */
function scaled(scaling: Scaling, level: Level): HostArray {
  return combine([scaling.mix(level).alpha, start]);
}

/** The largest error at σ .1 against x' = μ + (x - μ) √((s² + σ'²)/(s² + σ²)). */
async function errorOf(make: (levels: readonly Level[]) => Sampler, scaling: Scaling, n: number) {
  const levels = levelsOf(n);
  const end = await last(make(levels), gaussian(data, scaling), {
    x: scaled(scaling, levels[0]),
    levels,
    random: still,
  });
  const { alpha } = scaling.mix(levels[n]);
  const factor = Math.sqrt((0.25 + levels[n].sigma ** 2) / (0.25 + levels[0].sigma ** 2));
  return Math.max(
    ...end.data.map((v, i) => Math.abs(v / alpha - 0.3 - (start.data[i] - 0.3) * factor)),
  );
}

describe("[S12] order of accuracy on Gaussian data", () => {
  test.each(cases)("%s", async (_, make, scaling, order) => {
    const coarse = await errorOf(make, scaling, 32);
    const fine = await errorOf(make, scaling, 64);
    // f32 keeps 1e-6 of errors that are 1e-4 and more: 1 % of the ratio. Measured orders lie within .05 of the whole number.
    expect(Math.log2(coarse / fine)).toBeGreaterThan(order - 0.06);
    expect(Math.log2(coarse / fine)).toBeLessThan(order + 0.2);
  });

  test("errors at 64 steps are k-diffusion's and diffusers' own", async () => {
    const of = (name: string) => errorOf(cases.find(([n]) => n === name)![1], exploding, 64);
    expect(await of("Euler")).toBeCloseTo(0.01489894, 5);
    expect(await errorOf(() => solver(2), preserving, 64)).toBeCloseTo(0.0004296016, 5);
  });
});

describe("identities", () => {
  test.each(cases)("%s is exact for a single image, s → 0", async (_, make, scaling) => {
    const levels = levelsOf(8);
    const x = scaled(scaling, levels[0]);
    const point = gaussian({ mean: 0.7, deviation: 0 }, scaling);
    const end = await last(make(levels), point, { x, levels, random: still });
    const { alpha } = scaling.mix(levels[8]);
    // The noise in x never changes: x' = μ + (x - μ) σ'/σ, here 10 → .1.
    end.data.forEach((v, i) => expect(v / alpha).toBeCloseTo(0.7 + (start.data[i] - 0.7) / 100, 4));
  });

  test.each(cases)("%s leaves x as it is for s → ∞", async (_, make, scaling) => {
    const levels = levelsOf(8);
    const flat: Denoiser = (x, level) => {
      const denoised = combine([1 / scaling.mix(level).alpha, x]);
      const noise = combine([0, x]);
      return Promise.resolve({ denoised, noise, output: noise, variance: null });
    };
    const x = scaled(scaling, levels[0]);
    const end = await last(make(levels), flat, { x, levels, random: still });
    const { alpha } = scaling.mix(levels[8]);
    end.data.forEach((v, i) => expect(v / alpha).toBeCloseTo(start.data[i], 4));
  });

  test("DDIM, Euler, DPM-Solver 1 and DPM-Solver++ 1 are one", async () => {
    const levels = levelsOf(10);
    const ends = await Promise.all(
      [
        [euler, exploding] as const,
        [ddimAlong(levels), preserving] as const,
        [solver(1), preserving] as const,
        [solver(1, "dpmsolver"), preserving] as const,
      ].map(async ([sampler, scaling]) => {
        const x = scaled(scaling, levels[0]);
        const end = await last(sampler, gaussian(data, scaling), { x, levels });
        return combine([1 / scaling.mix(levels[10]).alpha, end]);
      }),
    );
    for (const end of ends.slice(1)) {
      end.data.forEach((v, i) => expect(v).toBeCloseTo(ends[0].data[i], 4));
    }
  });

  test("a prediction turned into image and noise gives back x", () => {
    const output = hostArray(Float32Array.of(0.3, -0.8, 1.2), [3]);
    const x = hostArray(Float32Array.of(1.5, 0.2, -2), [3]);
    for (const [scaling, names] of [
      [preserving, ["epsilon", "sample", "v_prediction"]],
      [exploding, ["epsilon", "sample", "v_prediction"]],
    ] as [Scaling, PredictionName[]][]) {
      for (const name of names) {
        const mix = scaling.mix({ sigma: 1.7, timestep: 0 });
        const { denoised, noise } = predictions[name](output, x, mix);
        const back = combine([mix.alpha, denoised], [mix.sigma, noise]);
        back.data.forEach((v, i) => expect(v).toBeCloseTo(x.data[i], 5));
      }
    }
  });

  test("x negated with μ and the noise negated gives the result negated", async () => {
    const levels = levelsOf(6);
    const run = (sign: number) => {
      const random = new TorchRandom(5);
      const flipped: NoiseSource = { normal: (shape) => combine([sign, random.normal(shape)]) };
      const denoise = gaussian({ mean: sign * 0.3, deviation: 0.5 }, exploding);
      const x = combine([sign, start]);
      return last(eulerAncestral(), denoise, { x, levels, random: flipped });
    };
    const [plus, minus] = [await run(1), await run(-1)];
    plus.data.forEach((v, i) => expect(v).toBe(-minus.data[i]));
  });
});

describe("guidance", () => {
  test("guided Gaussians are sampled as N(μu + w (μc - μu), s²)", async () => {
    const levels = levelsOf(8);
    const x = start;
    const conditional = gaussian({ mean: 0.9, deviation: 0.5 }, exploding);
    const unconditional = gaussian({ mean: -0.2, deviation: 0.5 }, exploding);
    const guided: Denoiser = async (at, level) => {
      const outputs = {
        conditional: (await conditional(at, level)).noise,
        unconditional: (await unconditional(at, level)).noise,
      };
      const output = guide(outputs, { scale: 3 });
      return { ...predictions.epsilon(output, at, exploding.mix(level)), output, variance: null };
    };
    const wanted = gaussian({ mean: -0.2 + 3 * 1.1, deviation: 0.5 }, exploding);
    const [a, b] = [
      await last(euler, guided, { x, levels }),
      await last(euler, wanted, { x, levels }),
    ];
    a.data.forEach((v, i) => expect(v).toBeCloseTo(b.data[i], 4));
  });
});

describe("DDPM", () => {
  const timesteps = [999, 700, 400, 150, 20];
  const alphaBar = (t: number) => 0.9999 - 0.9998 * (t / 999);
  const levels: Level[] = [
    ...timesteps.map((t) => ({ sigma: Math.sqrt((1 - alphaBar(t)) / alphaBar(t)), timestep: t })),
    { sigma: 0, timestep: -1 },
  ];

  test("the step has the mean and variance of q(x' | x) by law 3", () => {
    // x0 given x has mean (α s² x + σ² μ)/V and variance s² σ²/V; adding it to β̃ makes the marginals exact.
    const s2 = 0.25;
    let variance = alphaBar(999) * s2 + 1 - alphaBar(999);
    let mean = Math.sqrt(alphaBar(999)) * data.mean;
    for (const [i, from] of levels.slice(0, -1).entries()) {
      const { alpha, sigma } = preserving.mix(from);
      const step = posterior(from, levels[i + 1]);
      const total = alpha ** 2 * s2 + sigma ** 2;
      const k = (step.image * alpha * s2) / total + step.sample;
      const q2 = step.small + (step.image ** 2 * s2 * sigma ** 2) / total;
      mean = k * mean + (step.image * sigma ** 2 * data.mean) / total;
      variance = k ** 2 * variance + q2;
      const to = preserving.mix(levels[i + 1]);
      expect(mean).toBeCloseTo(to.alpha * data.mean, 12);
      expect(variance).toBeCloseTo(to.alpha ** 2 * s2 + to.sigma ** 2, 12);
    }
  });

  test("samples have the mean and variance of the recursion", async () => {
    const n = 20_000;
    const random = new TorchRandom(11);
    const ends = { sigma: 0, timestep: -1 };
    const many: Level[] = [
      ...Array.from({ length: 40 }, (_, i) => 999 - 25 * i).map((t) => ({
        sigma: Math.sqrt((1 - alphaBar(t)) / alphaBar(t)),
        timestep: t,
      })),
      ends,
    ];
    const end = await last(ddpm("fixed_small"), gaussian(data, preserving), {
      x: random.normal([n]),
      levels: many,
      random,
    });
    let [mean, variance] = [0, 1];
    for (const [i, from] of many.slice(0, -1).entries()) {
      const { alpha, sigma } = preserving.mix(from);
      const step = posterior(from, many[i + 1]);
      const total = alpha ** 2 * 0.25 + sigma ** 2;
      const k = (step.image * alpha * 0.25) / total + step.sample;
      mean = k * mean + (step.image * sigma ** 2 * data.mean) / total;
      variance = k ** 2 * variance + step.small;
    }
    const found = end.data.reduce((sum, v) => sum + v, 0) / n;
    const spread = end.data.reduce((sum, v) => sum + (v - found) ** 2, 0) / (n - 1);
    // Five standard errors of 20,000 draws.
    expect(Math.abs(found - mean)).toBeLessThan(5 * Math.sqrt(variance / n));
    expect(Math.abs(spread - variance)).toBeLessThan(5 * variance * Math.sqrt(2 / n));
    // fixed_small comes out below the data's .25, and close to it at 40 steps.
    expect(variance).toBeGreaterThan(0.19);
    expect(variance).toBeLessThan(0.25);
  });
});
