/** @file Losses, gradients, optimisers, rates and averages against PyTorch 2.9.1 and diffusers 0.35.2. */
import { beforeAll, describe, expect, test, vi } from "vitest";
import { elementwiseEngine, value, type Engine, type Value } from "../runtime/index.ts";
import { graphOf, input } from "../tensor/index.ts";
import { describeEveryEngine } from "../../tests/reference/engines.ts";
import {
  batchOf,
  configOf,
  golden,
  named,
  plain,
  traceLoss,
  type GoldenRun,
} from "../../tests/reference/training-goldens.ts";
import { addNoise, target, type PredictionType } from "./diffusion.ts";
import { emaDecayAt, type EmaConfig } from "./optimizers/ema.ts";
import type { Loader } from "./loader.node.ts";
import { optimizer, type OptimizerConfig } from "./optimizers/optimizers.ts";
import { prepare, type Prepared } from "./prepare.ts";
import { rateAt, type RateConfig } from "./optimizers/rates.ts";
import type { Stage, Weights } from "./recipe.ts";
import { freshState, layoutOf, slotOf, type State } from "./run/state.node.ts";
import { accumulate } from "./step.node.ts";
import { Updater } from "./updater.node.ts";
import { normGraph, updateGraph } from "./optimizers/update.ts";

vi.setConfig({ testTimeout: 180_000 }); // six losses are six graphs of gradients to compile
const { json } = golden;
const bind = () => ({ kind: "input" }) as const;

let engine: Engine;

/** Who computes an optimiser's step. */
const ways = [
  { where: "", updating: (own: Engine) => own },
  { where: ", updated in loops", updating: elementwiseEngine },
] as const;

const normOf = (list: Iterable<Float32Array>) =>
  Math.sqrt([...list].reduce((sum, x) => x.reduce((s, v) => s + v * v, sum), 0));
const minus = (a: Float32Array, b: Float32Array) => a.map((v, i) => v - b[i]);
const largest = (x: Float32Array) => x.reduce((most, v) => Math.max(most, Math.abs(v)), 0);
const get = (weights: Weights, path: string) => weights.get(path) ?? new Float32Array();

function expectNear(ours: Float32Array, theirs: Float32Array, tolerance: number, what = ""): void {
  expect(ours.length, what).toBe(theirs.length);
  expect(largest(minus(ours, theirs)), what).toBeLessThanOrEqual(tolerance);
}
const expectShare = (ours: number, theirs: number, tolerance: number, what = "") =>
  expect(Math.abs(ours / theirs - 1), what).toBeLessThan(tolerance);

test("where the numbers come from", () => {
  expect(json.tensors).toBe("training.safetensors");
  expect(plain(json.versions)).toEqual({ torch: "2.9.1", diffusers: "0.35.2" });
  expect(json.seed).toBe(0);
});

const zeroes = { kind: "sgd", momentum: 0, dampening: 0, nesterov: false, weightDecay: 0 } as const;
const loaderOf = (next: Loader["next"]): Loader => ({
  next,
  [Symbol.asyncDispose]: () => Promise.resolve(),
});

function startState(prepared: Prepared, start: Weights, config: OptimizerConfig): State {
  const moving = new Set(prepared.trained.map(({ path }) => path));
  const rule = optimizer(config);
  const layout = layoutOf(prepared.parameters, { moving, rule, average: true });
  return freshState(prepared.parameters, layout, { seed: 0, start });
}

/** Metrics and gradients of step 0 for one prediction, in `parts` parts. */
async function firstGradients(
  label: "tiny" | "unet",
  {
    prediction,
    gamma,
    parts = 1,
  }: { prediction: PredictionType; gamma: number | null; parts?: number },
) {
  const count = 2 / parts;
  const prepared = prepare({ trace: () => traceLoss(label, prediction, count) });
  await using program = await engine.compile(prepared.gradients, { bind });
  const state = startState(prepared, await named(json[label].weights), zeroes);
  const loader = loaderOf((step, part) =>
    batchOf(step, { prediction, gamma, from: part * count, to: (part + 1) * count }),
  );
  return {
    prepared,
    ...(await accumulate(program, prepared, { state, loader, parts })),
  };
}

/** Three steps of a run: losses, norms, and the state's values and averages after steps 1 and 3. */
async function trainThree(
  label: "tiny" | "unet",
  { optimizer: name, clip, options }: GoldenRun,
  {
    ema = { decay: 0.9, ramp: "none" },
    updating = (own) => own,
  }: { ema?: EmaConfig; updating?: (own: Engine) => Engine } = {},
) {
  const config = configOf(name, options);
  const trace = () => traceLoss(label, "epsilon");
  const prepared = prepare({ trace });
  const { trained } = prepared;
  await using gradients = await engine.compile(prepared.gradients, { bind });
  const stage: Stage = {
    name,
    seed: 0,
    steps: 3,
    trace,
    batches: () => Promise.reject(new Error("batches come from the goldens")),
    optimizer: config,
    rate: { base: options.lr, warmup: 0, decay: "constant" },
    clip,
    ema,
  };
  const state = startState(prepared, await named(json[label].weights), config);
  await using updater = await Updater.open(updating(engine), stage, { trained, state });
  const memory = updater.gradients;
  const losses: number[] = [];
  const norms: number[] = [];
  const after: Weights[] = [];
  for (let step = 0; step < 3; step++) {
    const loader = loaderOf((s) => batchOf(s));
    const got = await accumulate(gradients, prepared, { state, loader, parts: 1, memory });
    losses.push(got.metrics.loss);
    const { norm } = await updater.step(state, got.gradients);
    norms.push(norm);
    // Copies: the next steps write over these arrays.
    after.push(new Map([...slotOf(state, "value")].map(([path, data]) => [path, data.slice()])));
  }
  return { losses, norms, after, average: slotOf(state, "average") };
}

describeEveryEngine("training as PyTorch does it", ({ open }) => {
  beforeAll(async () => {
    engine = await open();
  });

  test("noise is added and the velocity made as diffusers does", async () => {
    const batch = await batchOf(0);
    const [clean, noise, alpha, sigma] = ["clean", "noise", "alpha", "sigma"].map((name) =>
      input(name, batch[name].shape),
    );
    const graph = graphOf({
      noisy: addNoise(clean, noise, alpha, sigma),
      velocity: target("v_prediction", { clean, noise, alpha, sigma }),
    });
    await using program = await engine.compile(graph, { bind });
    const out = await program.run(batch);
    // One unit in the last place of numbers up to 4.
    for (const name of ["noisy", "velocity"] as const)
      expectNear(out[name].data as Float32Array, await golden.tensor(json[name]), 5e-7, name);
    json.snr.forEach((snr, i) => {
      const ratio = Number(batch.alpha.data[i]) / Number(batch.sigma.data[i]);
      expectShare(ratio ** 2, snr, 1e-5);
    });
  });

  describe.each(["tiny", "unet"] as const)("%s", (label) => {
    const part = json[label];

    test("has the parameters of the reference, and its output", async () => {
      const traced = traceLoss(label, "epsilon");
      const { parameters } = prepare({ trace: () => traced });
      const weights = await named(part.weights);
      expect(new Map(parameters.map(({ path, size }) => [path, size]))).toEqual(
        new Map([...weights].map(([path, data]) => [path, data.length])),
      );
      expect(parameters.reduce((sum, { size }) => sum + size, 0)).toBe(part.parameters);

      await using program = await engine.compile(graphOf({ output: traced.output }), { bind });
      const given = parameters.map(({ path, shape }) => [path, value(get(weights, path), shape)]);
      const values = Object.fromEntries(given) as Record<string, Value>;
      const out = await program.run({ ...values, ...(await batchOf(0)) });
      const output = out.output.data as Float32Array;
      expectNear(output, await golden.tensor(part.output), 1e-5);
      const mean = output.reduce((a, b) => a + b, 0) / output.length;
      const deviation = normOf([output.map((v) => v - mean)]) / Math.sqrt(output.length - 1);
      expectShare(deviation, part.output_std, 1e-5);
    });

    test("loss and all gradients, whole and in two parts", async () => {
      const theirs = await named(part.gradients);
      for (const parts of [1, 2]) {
        const { prepared, metrics, gradients, samples } = await firstGradients(label, {
          prediction: "epsilon",
          gamma: null,
          parts,
        });
        expect(samples).toBe(2);
        expectShare(metrics.loss, part.loss, 1e-5);
        expect(gradients.length).toBe(theirs.size);
        prepared.trained.forEach(({ path }, i) => {
          const expected = get(theirs, path);
          expectNear(gradients[i], expected, 1e-6 + 1e-4 * largest(expected), `${parts} ${path}`);
        });
        expectShare(normOf(gradients), part.gradient_norm, 1e-5);
      }
    });

    test("six losses: ε, v and x0, plain and weighted by min-SNR", async () => {
      expect(part.losses.length).toBe(6);
      for (const row of part.losses) {
        const { prediction, min_snr_gamma: gamma } = row;
        const what = `${prediction} ${gamma}`;
        const { prepared, metrics, gradients } = await firstGradients(label, { prediction, gamma });
        expectShare(metrics.loss, row.loss, 1e-5, what);
        expectShare(normOf(gradients), row.gradient_norm, 1e-5, what);
        const at = prepared.trained.findIndex(({ path }) => path === `net.${row.parameter}`);
        const expected = await golden.tensor(row.gradient);
        expectNear(gradients[at], expected, 1e-6 + 1e-4 * largest(expected), what);
      }
    });

    test("clipping by the global norm", async () => {
      const { max_norm: clip, norm_before, factor, norm_after } = part.clipping;
      const { prepared, gradients } = await firstGradients(label, {
        prediction: "epsilon",
        gamma: null,
      });
      // Plain descent at rate 1 from zero leaves minus the clipped gradients.
      const { trained } = prepared;
      const graph = updateGraph(trained, optimizer(zeroes), { clip, average: false });
      await using measuring = await engine.compile(normGraph(trained), { bind });
      await using program = await engine.compile(graph, { bind });
      const given = prepared.trained.flatMap(({ path, shape }, i) => [
        [`gradient/${path}`, value(gradients[i], shape)],
        [`value/${path}`, value(new Float32Array(gradients[i].length), shape)],
      ]);
      const values = Object.fromEntries(given) as Record<string, Value>;
      const { norm } = await measuring.run(values);
      const out = await program.run({ ...values, norm, rate: value([1], []) });
      expectShare(Number(norm.data[0]), norm_before, 1e-5);
      const moved = prepared.trained.map(({ path }) => out[`value/${path}`].data as Float32Array);
      expectShare(normOf(moved), norm_after, 1e-5);
      expectShare(normOf(moved) / normOf(gradients), factor, 1e-5);
    });

    const runs = [...part.training.entries()].flatMap(([i, run]) =>
      ways.map((way) => ({ i, run, ...way })),
    );
    for (const { i, run, where, updating } of runs)
      test(`three steps of ${run.optimizer}${run.clip === null ? "" : " clipped"}${where}`, async () => {
        const start = await named(part.weights);
        const { losses, norms, after, average } = await trainThree(label, run, { updating });
        run.losses.forEach((loss, step) => expectShare(losses[step], loss, 1e-5, `step ${step}`));
        expectShare(norms[0], part.gradient_norm, 1e-5);
        const distance = (to: Weights) => normOf([...to].map(([p, x]) => minus(x, get(start, p))));
        const near = async (ours: Weights, pattern: string, difference: number) => {
          const tolerance = run.optimizer === "sgd" ? 1e-6 : Math.max(1e-5, 3 * difference);
          const theirs = await named(pattern);
          const off = [...theirs].map(([path, x]) => minus(get(ours, path), x));
          const beyond = off.flatMap((x) => [...x]).filter((d) => !(Math.abs(d) <= tolerance));
          // Adam divides by |g|: where that is near ε, the last bit of g decides over ±rate a step.
          const share = run.optimizer === "sgd" ? 0 : 1e-3 * part.parameters;
          expect(beyond.length).toBeLessThanOrEqual(share);
          for (const d of beyond) expect(Math.abs(d)).toBeLessThanOrEqual(2 * 3 * run.options.lr);
        };
        for (const n of [1, 3] as const) {
          const [stored, norm, far] = [
            run[`after ${n}`],
            run[`norm after ${n}`],
            run[`distance after ${n}`],
          ];
          if (stored) await near(after[n - 1], stored, run.difference_to_f64[n]);
          else {
            expectShare(normOf(after[n - 1].values()), norm ?? NaN, 1e-6);
            expectShare(distance(after[n - 1]), far ?? NaN, 1e-4 + run.difference_to_f64[n]);
          }
        }
        if (i > 0) return; // the averages are those of the first run
        const copied = await trainThree(label, run, {
          ema: { decay: 0.9999, ramp: "diffusers" },
          updating,
        });
        const kinds = { plain: average, diffusers: copied.average };
        for (const kind of ["plain", "diffusers"] as const) {
          const stored = run[`ema ${kind}`];
          if (stored) await near(kinds[kind], stored, run.difference_to_f64[3]);
          else expectShare(distance(kinds[kind]), run[`ema ${kind} distance`] ?? NaN, 1e-4);
        }
      });
  });

  describe("optimisers alone, five steps on given gradients", () => {
    expect(json.optimizers.length).toBe(13);
    const rows = json.optimizers.flatMap((row) => ways.map((way) => ({ row, ...way })));
    for (const { row, where, updating } of rows)
      test(row.name + where, async () => {
        expect(row.name.split(" ")[0]).toBe(row.class.toLowerCase());
        const rule = optimizer(configOf(row.name, plain(row.options)));
        const shape = golden.shape("optimizers/start");
        const trained = [{ path: "p", shape, rate: 1 }];
        const graph = updateGraph(trained, rule, { clip: null, average: false });
        await using program = await updating(engine).compile(graph, { bind });
        const gradients = await golden.tensor("optimizers/gradients");
        const wanted = await golden.tensor(row.parameters);
        let state = Object.fromEntries(
          Object.entries({ value: shape, ...rule.slots(shape) }).map(([slot, its]) => [
            `${slot}/p`,
            value(new Float32Array(its.reduce((a, b) => a * b, 1)), its),
          ]),
        );
        state["value/p"] = value(await golden.tensor("optimizers/start"), shape);
        for (let step = 0; step < 5; step++) {
          const scalars = Object.entries({ rate: row.options.lr, ...rule.scalars(step + 1) });
          state = await program.run({
            ...state,
            ...Object.fromEntries(scalars.map(([name, number]) => [name, value([number], [])])),
            "gradient/p": value(gradients.slice(step * 24, step * 24 + 24), shape),
          });
          // A few roundings of numbers up to 3.
          const expected = wanted.slice(step * 24, step * 24 + 24);
          expectNear(state["value/p"].data as Float32Array, expected, 1e-6, `step ${step + 1}`);
        }
      });
  });
});

describe("learning rates of 24 steps, planned for 20", () => {
  expect(json.rates.length).toBe(8);
  const configs: Record<string, (row: (typeof json.rates)[number]) => RateConfig> = {
    constant: () => ({ warmup: 0, decay: "constant" }),
    constant_with_warmup: ({ num_warmup_steps: warmup = 0 }) => ({ warmup, decay: "constant" }),
    linear: ({ num_warmup_steps: warmup = 0 }) => ({ warmup, decay: "linear" }),
    cosine: ({ num_warmup_steps: warmup = 0 }) => ({ warmup, decay: "cosine" }),
    cosine_with_restarts: ({ num_warmup_steps: warmup = 0, num_cycles: cycles = 1 }) => ({
      warmup,
      decay: "cosineRestarts",
      cycles,
    }),
    polynomial: ({ num_warmup_steps: warmup = 0, power = 1 }) => ({
      warmup,
      decay: "polynomial",
      power,
      floor: 1e-7,
    }),
    piecewise_constant: ({ step_rules = "" }) => {
      const rules = step_rules.split(",").map((rule) => rule.split(":").map(Number));
      const pieces = rules.slice(0, -1).map(([factor, until]) => ({ factor, until }));
      return { warmup: 0, decay: "piecewise", pieces, last: rules.at(-1)?.[0] ?? NaN };
    },
  };
  json.rates.forEach((row, i) =>
    test(`${i}: ${row.name}`, () => {
      const config = configs[row.name](row);
      row.rates.forEach((rate, step) =>
        expect(rateAt(step, row.num_training_steps, config), `step ${step}`).toBeCloseTo(rate, 12),
      );
    }),
  );
});

describe("decays of averages", () => {
  expect(json.ema_decays.length).toBe(4);
  json.ema_decays.forEach((row, i) =>
    test(`${i}: ${row.decay}`, () => {
      const { decay, update_after_step: after = 0, min_decay: least = 0 } = row;
      const config: EmaConfig = row.use_ema_warmup
        ? {
            decay,
            ramp: "power",
            inverseGamma: row.inv_gamma ?? NaN,
            power: row.power ?? NaN,
            after,
            least,
          }
        : { decay, ramp: "diffusers", after, least };
      row.steps.forEach((step, j) =>
        expect(emaDecayAt(step, config), `step ${step}`).toBeCloseTo(row.decays[j], 12),
      );
    }),
  );
});

test("no number of the goldens was left out", () => {
  expect(golden.unread()).toEqual([]);
});
