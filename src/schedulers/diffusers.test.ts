/** @file Schedulers against diffusers 0.35.2: whole trajectories, timesteps, σ, noising, image-to-image. */
import { describe, expect, test } from "vitest";
import { loadGoldens } from "../../tests/reference/goldens.ts";
import { diffuse, velocity } from "../../tests/reference/noising.ts";
import { hostArray, type HostArray } from "../base/index.ts";
import {
  alphasCumprod,
  betas,
  parseSchedulerConfig,
  schedulerClasses,
  schedulerFrom,
  type Level,
  type NoiseSource,
  type Scheduler,
  type StepList,
  type StepOptions,
} from "./index.ts";

type Config = Record<string, unknown>;
interface Model {
  a: number;
  b: number;
  c: number;
  d: number;
}
interface Trajectory {
  name: string;
  class: string;
  config: Config;
  set_timesteps: { num_inference_steps?: number; timesteps?: number[]; sigmas?: number[] };
  step?: {
    eta?: number;
    use_clipped_model_output?: boolean;
    s_churn?: number;
    s_tmin: number;
    s_tmax: number;
    s_noise: number;
  };
  noise?: "one" | "per image";
  draws?: number[];
  special?: { learned?: boolean; channels?: number };
  init_noise_sigma: number;
  calls: number;
  kept: number[];
  tolerance_factor?: number;
  timesteps: string;
  sigmas?: string;
  states: string;
  x0_call?: number;
  x0?: string;
}
interface Row {
  name: string;
  class: string;
  config: Config;
}
interface Tables {
  model: Model;
  betas: (Row & { betas: string; alphas_cumprod: string })[];
  timesteps: (Row & {
    counts: Record<
      string,
      { error?: string; timesteps: string; sigmas?: string; init_noise_sigma: number }
    >;
  })[];
  noising: (Row & { steps?: number; timesteps: string; noisy: string; velocity?: string })[];
  starts: (Row & {
    steps: number;
    strength: number;
    denoising_start?: number;
    first_index: number;
    timesteps?: string;
  })[];
  image: (Row & {
    steps: number;
    strength: number;
    noise: "one" | null;
    calls: number;
    states: string;
  })[];
}

const runs = loadGoldens<{ model: Model; defaults: Record<string, Config>; cases: Trajectory[] }>(
  "schedulers",
  "schedulers",
);
const tables = loadGoldens<Tables>("schedulers", "tables");
const known = new Set(schedulerClasses.map((found) => found.name));
const ours = <T extends { class: string }>(rows: readonly T[]) =>
  rows.filter((row) => known.has(row.class));

/** Classes whose goldens are left out, because they are not built yet. */
const missing = [
  "CMStochasticIterativeScheduler",
  "CosineDPMSolverMultistepScheduler",
  "DDIMInverseScheduler",
  "DDPMWuerstchenScheduler",
  "DEISMultistepScheduler",
  "DPMSolverMultistepInverseScheduler",
  "DPMSolverSDEScheduler",
  "DPMSolverSinglestepScheduler",
  "EDMDPMSolverMultistepScheduler",
  "EDMEulerScheduler",
  "FlowMatchEulerDiscreteScheduler",
  "FlowMatchHeunDiscreteScheduler",
  "FlowMatchLCMScheduler",
  "HeunDiscreteScheduler",
  "IPNDMScheduler",
  "KDPM2AncestralDiscreteScheduler",
  "KDPM2DiscreteScheduler",
  "KarrasVeScheduler",
  "LCMScheduler",
  "LMSDiscreteScheduler",
  "RePaintScheduler",
  "SASolverScheduler",
  "ScoreSdeVeScheduler",
  "ScoreSdeVpScheduler",
  "TCDScheduler",
  "UnCLIPScheduler",
  "UniPCMultistepScheduler",
];

/**
 * Where the goldens' own tolerance is too tight: at σ = 4096 the last digit of an f32 x is worth 2.4e-4, and the
 * reference rounds slope·(σ' - σ) before it adds it to x, while ours rounds the sum once.
 */
const looser: Readonly<Record<string, number>> = {
  "EulerAncestralDiscrete zero snr v trailing n10": 10,
};

function scheduler(row: Pick<Row, "class" | "config">): Scheduler {
  return schedulerFrom(parseSchedulerConfig({ _class_name: row.class, ...row.config }));
}

/** The goldens' own tolerance: rounding apart, f32 against f32. */
function expectClose(actual: ArrayLike<number>, wanted: ArrayLike<number>, factor = 1) {
  expect(actual.length).toBe(wanted.length);
  for (let i = 0; i < wanted.length; i++) {
    const allowed = factor * (1e-5 + 1e-4 * Math.abs(wanted[i]));
    if (!(Math.abs(actual[i] - wanted[i]) <= allowed) && actual[i] !== wanted[i]) {
      expect.fail(`element ${i}: ${actual[i]} instead of ${wanted[i]} (± ${allowed})`);
    }
  }
}

/**
 * Whole timesteps must be equal. Fractions are read off a table of log σ in f32, whose last digit is worth 7e-5 of a
 * timestep, and torch's square root and NumPy's logarithm are not always the correctly rounded ones.
 */
function expectTimesteps(levels: readonly Level[], wanted: readonly number[], message = "") {
  expect(levels.length, message).toBe(wanted.length);
  for (const [i, { timestep }] of levels.entries()) {
    const allowed = Number.isInteger(wanted[i]) ? 0 : 1e-4;
    const text = `${message} ${timestep} instead of ${wanted[i]}`;
    expect(Math.abs(timestep - wanted[i]), text).toBeLessThanOrEqual(allowed);
  }
}

/** Index `n` of the first axis of a stack. */
function slice(stack: HostArray, n: number): HostArray {
  const shape = stack.shape.slice(1);
  const size = shape.reduce((product, axis) => product * axis, 1);
  return hostArray(stack.data.slice(n * size, (n + 1) * size), shape);
}

/** Gives out a stored stream of noise in order, and counts. */
function stored(kind: "one" | "per image"): NoiseSource & { drawn: number } {
  const stream = runs.tensor(`noise/${kind}`);
  return {
    drawn: 0,
    normal(shape) {
      const drawn = slice(stream, this.drawn++);
      expect(drawn.shape).toEqual(shape);
      return drawn;
    },
  };
}

/** a sin(b x + c t) + d x, and on request cos(.7 x + .003 t) as more channels. */
function network({ a, b, c, d }: Model, learned = false) {
  return (x: HostArray, t: number) => {
    const y = x.data.map((value) => a * Math.sin(b * value + c * t) + d * value);
    const [n, channels, ...space] = x.shape;
    if (!learned) return Promise.resolve(hostArray(y, x.shape));
    const size = x.data.length / n;
    const both = new Float32Array(2 * y.length);
    for (let i = 0; i < n; i++) {
      both.set(y.subarray(i * size, (i + 1) * size), 2 * i * size);
      const variance = x.data.map((value) => Math.cos(0.7 * value + 0.003 * t));
      both.set(variance.subarray(i * size, (i + 1) * size), (2 * i + 1) * size);
    }
    return Promise.resolve(hostArray(both, [n, 2 * channels, ...space]));
  };
}

function stepsOf({ set_timesteps: given }: Trajectory): StepList {
  if (given.timesteps) return { timesteps: given.timesteps };
  return given.sigmas ? { sigmas: given.sigmas } : given.num_inference_steps!;
}

function optionsOf({ step = { s_tmin: 0, s_tmax: 0, s_noise: 1 } }: Trajectory): StepOptions {
  return {
    eta: step.eta ?? 0,
    noiseFrom: step.use_clipped_model_output ? "denoised" : "output",
    churn:
      step.s_churn === undefined
        ? null
        : { amount: step.s_churn, min: step.s_tmin, max: step.s_tmax, noise: step.s_noise },
  };
}

/** The first channels of every image. */
function narrow(x: HostArray, channels: number): HostArray {
  const [n, all, ...space] = x.shape;
  const size = x.data.length / n / all;
  const parts = Array.from({ length: n }, (_, i) => [
    ...x.data.slice(i * all * size, (i * all + channels) * size),
  ]);
  return hostArray(Float32Array.from(parts.flat()), [n, channels, ...space]);
}

test("the goldens' classes are ours or listed as missing", () => {
  const others = new Set(
    runs.json.cases.map((row) => row.class).filter((name) => !known.has(name)),
  );
  expect([...others].sort()).toEqual([...missing].sort());
  expect(ours(runs.json.cases).length).toBe(102);
});

describe("[S10] configuration", () => {
  test.each([...known])("%s has diffusers' defaults", (name) => {
    const found = schedulerClasses.find((candidate) => candidate.name === name)!;
    expect(found.defaults).toEqual(runs.json.defaults[name]);
  });
});

describe("[S2] [S3] [S4] trajectories", () => {
  test.each(ours(runs.json.cases).map((row) => [row.name, row] as const))("%s", async (_, row) => {
    const found = scheduler(row);
    const steps = stepsOf(row);
    const levels = found.levels(steps);
    expectTimesteps(levels, runs.numbers(row.timesteps));
    if (row.sigmas) {
      const sigmas = runs.numbers(row.sigmas).slice(0, levels.length);
      expectClose(
        levels.map((level) => level.sigma),
        sigmas,
      );
    }
    expectClose([found.initNoiseSigma(steps)], [row.init_noise_sigma]);
    const start = narrow(runs.tensor("start"), row.special?.channels ?? 4);
    const random = stored(row.noise ?? "one");
    const states = runs.tensor(row.states);
    const draws: number[] = [];
    const factor = looser[row.name] ?? row.tolerance_factor;
    const run = found.sample({
      predict: network(runs.json.model, row.special?.learned),
      x: hostArray(
        start.data.map((value) => value * row.init_noise_sigma),
        start.shape,
      ),
      steps,
      random,
      ...optionsOf(row),
    });
    let compared = 0;
    for await (const { x, denoised, index } of run) {
      draws.push(random.drawn - draws.reduce((sum, n) => sum + n, 0));
      const kept = row.kept.indexOf(index);
      if (kept >= 0) {
        expectClose(x.data, slice(states, kept).data, factor);
        compared++;
      }
      if (row.x0 && index === row.x0_call) {
        expectClose(denoised.data, runs.tensor(row.x0).data, factor);
      }
    }
    expect(draws).toEqual(row.draws ?? Array<number>(row.calls).fill(0));
    expect(compared).toBe(row.kept.length);
  });
});

describe("tables", () => {
  test.each(tables.json.betas.map((row) => [row.name, row] as const))("β of %s", (_, row) => {
    const { config } = scheduler(row);
    const rounded = row.name === "sigmoid" || row.name.endsWith("zero snr");
    expectTable(betas(config), tables.numbers(row.betas), rounded ? 4e-6 : 0);
    expectTable(alphasCumprod(config), tables.numbers(row.alphas_cumprod), rounded ? 4e-6 : 0);
  });

  const rows = ours(tables.json.timesteps);
  test("29 configurations are compared", () => expect(rows.length).toBe(29));
  test.each(rows.map((row) => [row.name, row] as const))("timesteps of %s", (_, row) => {
    const found = scheduler(row);
    for (const [count, wanted] of Object.entries(row.counts)) {
      const steps = Number(count);
      if (wanted.error) {
        expect(() => found.levels(steps), count).toThrow("steps: must be");
        continue;
      }
      const visited = tables.numbers(wanted.timesteps);
      if (!wanted.sigmas && visited[0] >= found.config.numTrainTimesteps) {
        // diffusers lists it too, but ends with an IndexError at the first step.
        expect(() => found.levels(steps), count).toThrow("at most 999 steps");
        continue;
      }
      const levels = found.levels(steps);
      expectTimesteps(levels, visited, count);
      expectClose([found.initNoiseSigma(steps)], [wanted.init_noise_sigma]);
      if (wanted.sigmas) {
        const sigmas = tables.numbers(wanted.sigmas).slice(0, levels.length);
        expectClose(
          levels.map((level) => level.sigma),
          sigmas,
        );
      }
    }
  });
});

describe("noising", () => {
  const rows = ours(tables.json.noising);
  test("8 classes are compared", () => expect(rows.length).toBe(8));
  test.each(rows.map((row) => [row.name, row] as const))("%s", (_, row) => {
    const found = scheduler(row);
    const [clean, noise] = [tables.tensor("clean"), tables.tensor("noise")];
    const noisy = tables.tensor(row.noisy);
    const timesteps = tables.numbers(row.timesteps);
    if (row.steps !== undefined) {
      const levels = found.levels(row.steps);
      for (const [i, timestep] of timesteps.entries()) {
        const level = levels.find((candidate) => Math.abs(candidate.timestep - timestep) < 1e-4)!;
        const image = found.addNoise(clean, noise, level);
        expectClose(slice(image, i).data, slice(noisy, i).data);
      }
      return;
    }
    const table = alphasCumprod(found.config);
    const alphaBars = timesteps.map((t) => table[t]);
    expectClose(diffuse(clean, noise, alphaBars).data, noisy.data);
    if (row.velocity) {
      const wanted = tables.tensor(row.velocity);
      expectClose(velocity(clean, noise, alphaBars).data, wanted.data);
    }
  });
});

describe("image to image", () => {
  const starts = ours(tables.json.starts);
  const images = ours(tables.json.image);
  test("rows compared", () => expect([starts.length, images.length]).toEqual([156, 16]));

  test.each(starts.map((row) => [row.name, row] as const))("%s", (_, row) => {
    const found = scheduler(row);
    const start =
      row.denoising_start === undefined
        ? found.startAt(row.steps, row.strength)
        : found.handover(row.steps, row.denoising_start);
    expect(start).toBe(row.first_index);
    const rest = found.levels(row.steps).slice(start);
    expectTimesteps(rest, row.timesteps ? tables.numbers(row.timesteps) : []);
  });

  test.each(images.map((row) => [row.name, row] as const))("%s", async (_, row) => {
    const found = scheduler(row);
    const start = found.startAt(row.steps, row.strength);
    const level = found.levels(row.steps)[start];
    const x = found.addNoise(tables.tensor("clean"), tables.tensor("noise"), level);
    const states = [x];
    const predict = network(tables.json.model);
    const run = found.sample({ predict, x, steps: row.steps, random: stored("one"), start });
    for await (const step of run) states.push(step.x);
    expect(states.length).toBe(row.calls + 1);
    for (const [i, state] of [states[0], states[1], states[states.length - 1]].entries()) {
      expectClose(state.data, slice(tables.tensor(row.states), i).data);
    }
  });
});

/** Equal but for `tolerance`: torch's sigmoid and square root differ from the correctly rounded ones. */
function expectTable(actual: Float32Array, wanted: readonly number[], tolerance: number) {
  expect(actual.length).toBe(wanted.length);
  const worst = Math.max(...wanted.map((value, i) => Math.abs(value - actual[i])));
  expect(worst).toBeLessThanOrEqual(tolerance);
}
