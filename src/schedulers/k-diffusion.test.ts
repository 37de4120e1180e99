/** @file Step rules against k-diffusion 0.1.1: driven by σ alone, with the exact denoiser of two Gaussians. */
import { expect, test } from "vitest";
import { loadGoldens } from "../../tests/reference/goldens.ts";
import { hostArray, type HostArray } from "../base/index.ts";
import { combine, mapValues } from "./arithmetic.ts";
import { dpmMultistep, type DpmOptions } from "./dpm-multistep.ts";
import { eulerAncestral } from "./euler-ancestral.ts";
import { euler } from "./euler.ts";
import { noiseFrom } from "./prediction.ts";
import type { Denoiser, Level, Sampler } from "./sampler.ts";
import { exploding } from "./scaling.ts";
import { beta, exponential, karras, type Spacing } from "./spacing.ts";

interface Case {
  name: string;
  sampler: string;
  schedule: string | null;
  arguments: { eta?: number; s_noise?: number; s_churn?: number; solver_type?: "heun" };
  states: string;
}
const goldens = loadGoldens<{
  denoiser: { s: number; m: number };
  schedules: { name: string; steps: number; sigmas: string }[];
  sigma_min: number;
  sigma_max: number;
  cases: Case[];
}>("schedulers", "kdiffusion");

/** D = (s² x + σ² m tanh(m x/(s² + σ²)))/(s² + σ²). */
const denoise: Denoiser = (x, level) => {
  const { s, m } = goldens.json.denoiser;
  const total = s ** 2 + level.sigma ** 2;
  const denoised = mapValues(
    x,
    (v) => (s ** 2 * v + level.sigma ** 2 * m * Math.tanh((m * v) / total)) / total,
  );
  const noise = noiseFrom(denoised, x, exploding.mix(level));
  return Promise.resolve({ denoised, noise, output: noise, variance: null });
};

function multistep(algorithm: DpmOptions["algorithm"], { arguments: given }: Case): Sampler {
  return async function* (denoiser, x, levels, random) {
    const toZero = levels[levels.length - 1].sigma === 0;
    const sampler = dpmMultistep({
      algorithm,
      solver: given.solver_type ?? "midpoint",
      scaling: exploding,
      largestOrder: (remaining) => (toZero && remaining === 1 ? 1 : 2),
    });
    yield* sampler(denoiser, x, levels, random);
  };
}

const samplers: Readonly<Record<string, (row: Case) => Sampler>> = {
  sample_euler: () => euler,
  sample_euler_ancestral: ({ arguments: { eta } }) => eulerAncestral(eta),
  sample_dpmpp_2m: (row) => multistep("dpmsolver++", row),
  sample_dpmpp_2m_sde: (row) => multistep("sde-dpmsolver++", row),
};

/** Noise of another deviation, other shares of noise and k-diffusion's churn are not built yet. */
const rows = goldens.json.cases.filter(
  ({ sampler, arguments: { eta = 1, s_noise, s_churn } }) =>
    sampler in samplers &&
    s_noise === undefined &&
    s_churn === undefined &&
    (eta === 1 || sampler !== "sample_dpmpp_2m_sde"),
);

test("14 trajectories are compared", () => expect(rows.length).toBe(14));

test.each(rows.map((row) => [row.name, row] as const))("%s", async (_, row) => {
  const sigmas = goldens.numbers(`schedules/${row.schedule!.replace(/ (\d+)$/, "/$1")}`);
  const levels: Level[] = sigmas.map((sigma, timestep) => ({ sigma, timestep }));
  const stream = goldens.tensor("noise");
  const states = goldens.tensor(row.states);
  let [drawn, index] = [0, 0];
  const draw = (shape: readonly number[]): HostArray => {
    const size = states.data.length / states.shape[0];
    // k-diffusion does not draw in the last step; ours does, times 0.
    const n = Math.min(drawn++, stream.shape[0] - 1);
    return hostArray(stream.data.slice(n * size, (n + 1) * size), shape);
  };
  const x = combine([sigmas[0], goldens.tensor("start")]);
  const run = samplers[row.sampler](row)(denoise, x, levels, { normal: draw });
  for await (const step of run) {
    const wanted = states.data.subarray(index * x.data.length, ++index * x.data.length);
    step.x.data.forEach((value, i) => {
      const allowed = 1e-5 + 1e-4 * Math.abs(wanted[i]);
      expect(Math.abs(value - wanted[i]), `call ${index}, element ${i}`).toBeLessThanOrEqual(
        allowed,
      );
    });
  }
  expect(index).toBe(states.shape[0]);
});

const spacings: [string, Spacing][] = [
  ["Karras", karras],
  ["Exponential", exponential],
  ["Beta", beta],
];
test.each(spacings)("%s spreads σ as k-diffusion does", (name, spacing) => {
  const { sigma_min: min, sigma_max: max, schedules } = goldens.json;
  const wanted = schedules.filter((row) => row.name === name);
  expect(wanted.length).toBe(5);
  for (const { steps, sigmas } of wanted) {
    const found = [...spacing({ min, max }, steps), 0];
    const numbers = goldens.numbers(sigmas);
    expect(found.length).toBe(numbers.length);
    // Both ends are f32 there, and the powers are taken in f32.
    found.forEach((sigma, i) => expect(Math.abs(sigma / numbers[i] - 1) || 0).toBeLessThan(2e-6));
  }
});
