/** @file Pseudo numerical methods for diffusion models (Liu, Ren, Lin and Zhao 2022): PNDM, and PLMS alone. */
import { RequestError, type HostArray } from "../base/index.ts";
import { combine, type Term } from "./arithmetic.ts";
import { requireOneOf, type SchedulerConfig } from "./config.ts";
import { onlyCount, type Plan, type SchedulerClass } from "./plan.ts";
import { predictions, type PredictionName } from "./prediction.ts";
import type { Denoiser, Level, Steps } from "./sampler.ts";
import { preserving } from "./scaling.ts";
import { trainingLevels, uniformStride } from "./table-levels.ts";
import { checkSteps, wholeTimesteps } from "./timesteps.ts";

/** What a run needs to know beside its levels. */
interface Pndm {
  readonly prediction: PredictionName;
  readonly levelAt: (timestep: number) => Level;
  /** The level `training steps / steps` before a timestep, or half of that. */
  readonly before: (timestep: number) => Level;
  readonly stride: number;
}

/** A move of x from one level to another along the mean of several outputs. */
type Move = (x: HostArray, output: HostArray, from: Level, to: Level) => HostArray;

/**
 * x' = √(ᾱ'/ᾱ) x - (ᾱ' - ᾱ) n / (ᾱ √(1 - ᾱ') + √(ᾱ (1 - ᾱ) ᾱ')): eq. 11 of the paper, which is DDIM's step. The mean is
 * one of raw outputs and is read as noise only here, with the x that is moved.
 */
function transfer(prediction: PredictionName): Move {
  return (x, output, from, to) => {
    const [a, b] = [preserving.mix(from), preserving.mix(to)];
    const { noise } = predictions[prediction](output, x, a);
    const [alphaBar, nextAlphaBar] = [a.alpha ** 2, b.alpha ** 2];
    const divisor = alphaBar * b.sigma + a.alpha * a.sigma * b.alpha;
    return combine([b.alpha / a.alpha, x], [(alphaBar - nextAlphaBar) / divisor, noise]);
  };
}

/** Weights of the last outputs, newest first: Adams-Bashforth of orders 1 to 4. */
const adams = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
] as const;

function weigh(outputs: readonly HostArray[], weights: readonly number[]): HostArray {
  const terms = weights.map((weight, i): Term => [weight, outputs[i]]);
  return combine(terms[0], ...terms.slice(1));
}

/**
 * Linear multistep over `calls`. Without a `history` the first step is made twice: the second call, at its end, averages
 * with the first and moves the x from before it again.
 */
async function* plms(
  denoise: Denoiser,
  x: HostArray,
  calls: readonly Level[],
  { history, levelAt, before, stride, move }: Pndm & { history: HostArray[]; move: Move },
): Steps {
  const [warm, start] = [history.length > 0, x];
  for (const [i, level] of calls.entries()) {
    const { denoised, output } = await denoise(x, level);
    if (!warm && i === 1) {
      const mean = combine([1 / 2, output], [1 / 2, history[0]]);
      x = move(start, mean, levelAt(level.timestep + stride), level);
    } else {
      history = [output, ...history].slice(0, 4);
      x = move(x, weigh(history, adams[history.length - 1]), level, before(level.timestep));
    }
    x = (yield { x, denoised, level }) ?? x;
  }
}

/** Three classical Runge-Kutta steps of four calls each; returns x and the outputs that PLMS goes on from. */
async function* rungeKutta(
  denoise: Denoiser,
  x: HostArray,
  calls: readonly Level[],
  { levelAt, stride, move }: Pndm & { move: Move },
): AsyncGenerator<
  { x: HostArray; denoised: HostArray; level: Level },
  { x: HostArray; history: HostArray[] },
  HostArray | undefined
> {
  const history: HostArray[] = [];
  const half = Math.floor(stride / 2);
  for (let step = 0; step < calls.length; step += 4) {
    const [from, start] = [calls[step], x];
    const outputs: HostArray[] = [];
    for (const [i, level] of calls.slice(step, step + 4).entries()) {
      const { denoised, output } = await denoise(x, level);
      outputs.push(output);
      const slope = i < 3 ? output : weigh(outputs, [1 / 6, 1 / 3, 1 / 3, 1 / 6]);
      x = move(start, slope, from, levelAt(level.timestep - (i % 2 === 0 ? half : 0)));
      x = (yield { x, denoised, level }) ?? x;
    }
    history.unshift(outputs[0]);
  }
  return { x, history };
}

/** The timesteps of all calls, those of Runge-Kutta apart. */
function pndmTimesteps(config: SchedulerConfig, steps: number) {
  const visited = wholeTimesteps(config, steps);
  if (config.skipPrkSteps) {
    return { prk: [], plms: [...visited.slice(0, 2), ...visited.slice(1)] };
  }
  checkSteps(steps, config.numTrainTimesteps, 4);
  const half = Math.floor(Math.floor(config.numTrainTimesteps / steps) / 2);
  const prk = visited.slice(0, 3).flatMap((t, i) => {
    const next = visited[i + 1];
    return [t, next + half, next + half, next];
  });
  return { prk, plms: visited.slice(3) };
}

/** diffusers' `PNDMScheduler`. */
export const pndmScheduler: SchedulerClass = {
  name: "PNDMScheduler",
  defaults: {
    num_train_timesteps: 1000,
    beta_start: 0.0001,
    beta_end: 0.02,
    beta_schedule: "linear",
    trained_betas: null,
    skip_prk_steps: false,
    set_alpha_to_one: false,
    prediction_type: "epsilon",
    timestep_spacing: "leading",
    steps_offset: 0,
  },
  callsPerStep: 1,
  scaling: () => preserving,
  check: (config) => requireOneOf(config, "predictionType", ["epsilon", "v_prediction"]),
  plan(config, steps): Plan {
    const n = onlyCount(config.className, steps);
    const levelAt = trainingLevels(config);
    const timesteps = pndmTimesteps(config, n);
    const [prk, rest] = [timesteps.prk.map(levelAt), timesteps.plms.map(levelAt)];
    const run = {
      prediction: config.predictionType,
      levelAt,
      before: uniformStride(config, n),
      stride: Math.floor(config.numTrainTimesteps / n),
      move: transfer(config.predictionType),
    };
    return {
      calls: [...prk, ...rest],
      initNoiseSigma: 1,
      async *run(denoise, x, start) {
        if (prk.length === 0)
          return yield* plms(denoise, x, rest.slice(start), { ...run, history: [] });
        if (start > 0) {
          throw new RequestError(
            "strength",
            "a PNDM run with Runge-Kutta steps cannot begin in the middle; set skip_prk_steps",
          );
        }
        const warm = yield* rungeKutta(denoise, x, prk, run);
        yield* plms(denoise, warm.x, rest, { ...run, history: warm.history });
      },
    };
  },
};
