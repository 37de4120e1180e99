/** @file Names of samplers and schedules, and what a configuration refuses. */
import { describe, expect, test } from "vitest";
import { RequestError, WeightError } from "../base/index.ts";
import { parseSchedulerConfig, samplers, schedulerFrom, schedules, withSampler } from "./index.ts";
import { hostArray } from "../base/index.ts";

/** Stable Diffusion 1's scheduler file as it is shipped. */
const file = {
  _class_name: "PNDMScheduler",
  _diffusers_version: "0.6.0",
  beta_end: 0.012,
  beta_schedule: "scaled_linear",
  beta_start: 0.00085,
  num_train_timesteps: 1000,
  set_alpha_to_one: false,
  skip_prk_steps: true,
  steps_offset: 1,
  trained_betas: null,
  clip_sample: false,
};

const configOf = (sampler: string | null, schedule: string | null = null) =>
  parseSchedulerConfig(withSampler(file, { sampler, schedule }));

describe("names", () => {
  test("every sampler parses with every schedule that it has", () => {
    let pairs = 0;
    for (const { label } of samplers) {
      for (const schedule of Object.keys(schedules)) {
        try {
          const settings = withSampler(file, { sampler: label, schedule });
          expect(
            schedulerFrom(parseSchedulerConfig(settings)).levels(8).length,
            label,
          ).toBeGreaterThan(7);
          pairs++;
        } catch (error) {
          expect(error).toBeInstanceOf(RequestError);
        }
      }
    }
    expect(pairs).toBe(60);
  });

  test.each([
    ["Euler a", "EulerAncestralDiscreteScheduler", "table"],
    ["euler-a", "EulerAncestralDiscreteScheduler", "table"],
    ["k_euler_a", "EulerAncestralDiscreteScheduler", "table"],
    ["DPM++ 2M", "DPMSolverMultistepScheduler", "karras"],
    ["dpmpp-2m", "DPMSolverMultistepScheduler", "karras"],
    ["DPM++ 2M Karras", "DPMSolverMultistepScheduler", "karras"],
    ["dpm++ 2m exponential", "DPMSolverMultistepScheduler", "exponential"],
    ["DPM++ 2M SDE", "DPMSolverMultistepScheduler", "exponential"],
    ["DPMSolverMultistepScheduler", "DPMSolverMultistepScheduler", "table"],
    ["PLMS", "PNDMScheduler", "table"],
  ])("%s is %s with %s σ", (name, className, sigmaSpacing) => {
    expect(configOf(name)).toMatchObject({ className, sigmaSpacing, betaStart: 0.00085 });
  });

  test("no name keeps the file's scheduler", () => {
    expect(configOf(null)).toMatchObject({ className: "PNDMScheduler", skipPrkSteps: true });
    expect(configOf(null, "Automatic")).toEqual(configOf(null));
  });

  test("[S11] a class takes the file's values and its own defaults for the rest", () => {
    expect(configOf("EulerDiscreteScheduler")).toMatchObject({
      timestepSpacing: "linspace",
      stepsOffset: 1,
      skipPrkSteps: false,
    });
    expect(configOf("DDIMScheduler")).toMatchObject({
      timestepSpacing: "leading",
      clipSample: false,
    });
  });

  test("a named sampler is what it says, whatever solver the file has", () => {
    const other = { ...file, algorithm_type: "sde-dpmsolver++", solver_type: "heun" };
    const solverOf = (sampler: string) => {
      const settings = withSampler({ ...other, solver_order: 3 }, { sampler, schedule: null });
      const { algorithmType, solverType, solverOrder } = parseSchedulerConfig(settings);
      return [algorithmType, solverType, solverOrder];
    };
    expect(solverOf("DPM++ 2M")).toEqual(["dpmsolver++", "midpoint", 2]);
    expect(solverOf("DPM++ 2M SDE")).toEqual(["sde-dpmsolver++", "midpoint", 2]);
    expect(solverOf("DPM++ 2M SDE Heun")).toEqual(["sde-dpmsolver++", "heun", 2]);
  });

  test("Automatic is the sampler's own schedule", () => {
    for (const { label } of samplers)
      expect(configOf(label, "Automatic"), label).toEqual(configOf(label));
    expect(configOf("DPM++ 2M", "automatic").sigmaSpacing).toBe("karras");
    expect(configOf("DPM++ 2M Automatic").sigmaSpacing).toBe("karras");
  });

  test("an asked schedule replaces the sampler's own", () => {
    expect(configOf("DPM++ 2M", "beta").sigmaSpacing).toBe("beta");
    expect(configOf("DPM++ 2M", "SGM Uniform")).toMatchObject({
      sigmaSpacing: "table",
      timestepSpacing: "trailing",
    });
  });

  test("[S11] unknown names are answered with those that exist", () => {
    expect(() => configOf("Eular")).toThrow(
      /sampler: there is no "Eular"; there are DPM\+\+ 2M, .*Euler a.*DDIMScheduler/,
    );
    expect(() => configOf("Euler", "Carras")).toThrow(/schedule: there is no "Carras"; .*Karras/);
    expect(() => configOf("DDIM", "Karras")).toThrow('DDIMScheduler has no schedule "Karras"');
  });
});

describe("[S10] configurations that are refused", () => {
  const euler = { _class_name: "EulerDiscreteScheduler" };
  test.each([
    [null, "must hold an object"],
    [
      { _class_name: "MadeUpScheduler" },
      /unknown scheduler class "MadeUpScheduler"; known are DDPM/,
    ],
    [{ ...euler, beta_strat: 0.1 }, "EulerDiscreteScheduler has no setting named beta_strat"],
    [{ ...euler, beta_schedule: "cubic" }, /beta_schedule must be one of linear, .* got "cubic"/],
    [{ ...euler, beta_start: "0.1" }, 'beta_start must be a number, got "0.1"'],
    [
      { ...euler, use_karras_sigmas: true, use_beta_sigmas: true },
      "use_karras_sigmas and use_beta_sigmas",
    ],
    [{ ...euler, num_train_timesteps: 0 }, "must be a whole number from 2 to 100000, got 0"],
    [{ ...euler, num_train_timesteps: 1 }, "num_train_timesteps must be a whole number"],
    [{ ...euler, num_train_timesteps: 2.5 }, "num_train_timesteps must be a whole number"],
    [{ ...euler, num_train_timesteps: 3e8 }, "num_train_timesteps must be a whole number"],
    [{ ...euler, steps_offset: 5000 }, "steps_offset must be a whole number from 0 to 999"],
    [{ ...euler, steps_offset: -1 }, "steps_offset must be a whole number"],
    [{ ...euler, beta_end: 2.5 }, "beta_end must be a number between 0 and 1, got 2.5"],
    [{ ...euler, beta_start: 0 }, "beta_start must be a number between 0 and 1, got 0"],
    [{ ...euler, trained_betas: [] }, "trained_betas must be a list of 1000 numbers"],
    [{ ...euler, num_train_timesteps: 2, trained_betas: [0.1, 1.5] }, "a list of 2 numbers"],
    [{ ...euler, sigma_min: -1 }, "sigma_min must be a number above 0"],
    [{ _class_name: "DDIMScheduler", clip_sample_range: -1 }, "clip_sample_range must be a number"],
    [{ ...euler, beta_schedule: "\u001b[2J" + "x".repeat(500) }, /^[^\p{Cc}]{15,300}$/u],
    [{ _class_name: "PNDMScheduler", prediction_type: "sample" }, "predictionType"],
    [{ _class_name: "DDPMScheduler", variance_type: "fixed_large_log" }, "varianceType"],
    [
      { _class_name: "DPMSolverMultistepScheduler", algorithm_type: "dpmsolver" },
      "dpmsolver cannot reach σ = 0",
    ],
    [
      { _class_name: "DPMSolverMultistepScheduler", use_dynamic_shifting: true },
      "use_dynamic_shifting must be false",
    ],
  ])("%j", (json, message) => {
    expect(() => parseSchedulerConfig(json)).toThrow(WeightError);
    expect(() => parseSchedulerConfig(json)).toThrow(message);
  });

  test("settings of old versions are passed over if they say what is the rule now", () => {
    const old = { ...euler, predict_epsilon: true, tensor_format: "pt", timestep_values: null };
    expect(parseSchedulerConfig(old)).toEqual(parseSchedulerConfig(euler));
    expect(() => parseSchedulerConfig({ ...old, predict_epsilon: false })).toThrow(
      "predict_epsilon",
    );
  });

  test("settings of other classes are passed over", () => {
    const plain = parseSchedulerConfig(euler);
    expect(parseSchedulerConfig({ ...euler, clip_sample: true, sample_max_value: 3 })).toEqual(
      plain,
    );
  });
});

describe("runs", () => {
  const x = hostArray(Float32Array.of(1, -1, 0.5, 2), [1, 1, 2, 2]);
  const random = { normal: () => expect.fail("no noise is needed") };
  const predict = (input: typeof x) => Promise.resolve(input);

  test.each([0, 1001, 2.5, NaN])("[S5] %s steps are refused", (steps) => {
    for (const { className } of samplers) {
      const found = schedulerFrom(configOf(className));
      expect(() => found.levels(steps)).toThrow(/steps: must be a whole number between 1 and 1000/);
    }
  });

  test("steps that an offset pushes past the last timestep are refused, with the most there are", () => {
    for (const name of ["DDIM", "DDPM", "PLMS"]) {
      const found = schedulerFrom(configOf(name));
      expect(() => found.levels(1000)).toThrow("at most 999 steps are possible");
      expect(found.levels(999).every(({ sigma }) => sigma > 0 && sigma < Infinity)).toBe(true);
    }
    const far = parseSchedulerConfig({ ...file, _class_name: "DDIMScheduler", steps_offset: 999 });
    expect(() => schedulerFrom(far).levels(2)).toThrow("at most 1 steps are possible");
  });

  test("[S9] what is held fixed goes into the next step, with the level of the next call", async () => {
    const found = schedulerFrom(configOf("EulerDiscreteScheduler"));
    const levels = found.levels(4);
    const seen: (number | null)[] = [];
    const inputs: number[] = [];
    const run = found.sample({
      predict: (input) => (inputs.push(input.data[0]), predict(input)),
      x,
      steps: 4,
      random,
      hold: (state, next) => {
        seen.push(next && next.sigma);
        return hostArray(state.data.fill(7), state.shape);
      },
    });
    for await (const step of run) expect([...step.x.data]).toEqual([7, 7, 7, 7]);
    expect(seen).toEqual([...levels.slice(1).map((level) => level.sigma), null]);
    inputs.slice(1).forEach((value, i) => {
      expect(value).toBeCloseTo(7 / Math.sqrt(levels[i + 1].sigma ** 2 + 1), 5);
    });
  });

  test("[S6] a run can be left early", async () => {
    let calls = 0;
    const run = schedulerFrom(configOf("DDIM")).sample({
      predict: (input) => (calls++, predict(input)),
      x,
      steps: 10,
      random,
    });
    for await (const { index } of run) if (index === 2) break;
    expect(calls).toBe(3);
  });

  test("a start outside the run is refused", async () => {
    const run = schedulerFrom(configOf("DDIM")).sample({ predict, x, steps: 5, random, start: 5 });
    await expect(run.next()).rejects.toThrow("start: must be between 0 and 4, got 5");
  });

  test("[S8] a strength outside 0 and 1 is refused, and double arithmetic cuts it", () => {
    const found = schedulerFrom(configOf("DDIM"));
    expect(() => found.startAt(10, 1.5)).toThrow(RequestError);
    expect(found.startAt(100, 0.29)).toBe(72);
  });
});
