/** @file DPM-Solver and DPM-Solver++ of orders 1 to 3, deterministic and stochastic (Lu et al. 2022, both papers). */
import { WeightError, type HostArray } from "../base/index.ts";
import { combine, type Term } from "./arithmetic.ts";
import { requireOneOf, type SchedulerConfig } from "./config.ts";
import { agreeWithDenoised } from "./denoiser.ts";
import { planOf, type SchedulerClass } from "./plan.ts";
import { pairs, type Level, type Sampler } from "./sampler.ts";
import { flow, preserving, type Scaling } from "./scaling.ts";
import { solverLevels } from "./solver-levels.ts";

/** Which of the solvers, and of what order where. */
export interface DpmOptions {
  readonly algorithm: SchedulerConfig["algorithmType"];
  readonly solver: "midpoint" | "heun";
  readonly scaling: Scaling;
  /** The largest order allowed when so many steps remain, this one included. */
  readonly largestOrder: (remaining: number) => number;
}

/** A past answer of the network, and λ = ln(α/σ) where it was given. */
interface Past {
  readonly model: HostArray;
  readonly lambda: number;
}

/**
 * Integrates the part of the ODE (or SDE) that is not linear in x with the last answers of the network as a polynomial
 * in λ. The ++ algorithms take the denoised image as the answer, the others the noise.
 */
export function dpmMultistep(options: DpmOptions): Sampler {
  const { algorithm, scaling, largestOrder } = options;
  const rule = algorithm.endsWith("++") ? imageRule : noiseRule;
  return async function* (denoise, x, levels, random) {
    let past: Past[] = [];
    for (const [index, [level, next]] of pairs(levels).entries()) {
      const { denoised, noise } = await denoise(x, level);
      const model = rule === imageRule ? denoised : noise;
      past = [{ model, lambda: lambdaAt(scaling, level) }, ...past].slice(0, 3);
      const order = Math.min(past.length, largestOrder(levels.length - 1 - index));
      const h = lambdaAt(scaling, next) - past[0].lambda;
      const numbers = rule(options, order, h, scaling.mix(level), scaling.mix(next));
      const terms = differences(past.slice(0, order), h).map((difference, i): Term[] =>
        difference.map(([factor, array]) => [numbers.weights[i] * factor, array]),
      );
      x = combine([numbers.x, x], ...terms.flat());
      if (algorithm.startsWith("sde")) {
        x = combine([1, x], [numbers.noise, random.normal(x.shape)]);
      }
      x = (yield { x, denoised, level }) ?? x;
    }
  };
}

function lambdaAt(scaling: Scaling, level: Level): number {
  const { alpha, sigma } = scaling.mix(level);
  return Math.log(alpha) - Math.log(sigma);
}

/** D0, D1, D2: the newest answer and its divided differences in λ, in units of h, as sums of the answers. */
function differences(past: readonly Past[], h: number): Term[][] {
  const [m0, m1, m2] = past.map(({ model }) => model);
  if (past.length === 1) return [[[1, m0]]];
  const r0 = (past[0].lambda - past[1].lambda) / h;
  if (past.length === 2) {
    const first: Term[] = [
      [1 / r0, m0],
      [-1 / r0, m1],
    ];
    return [[[1, m0]], first];
  }
  const r1 = (past[1].lambda - past[2].lambda) / h;
  const [newer, older, sum] = [1 / r0, 1 / r1, r0 + r1];
  const combined = (a: number, b: number): Term[] => [
    [a * newer, m0],
    [b * older - a * newer, m1],
    [-b * older, m2],
  ];
  return [[[1, m0]], combined(1 + r0 / sum, -r0 / sum), combined(1 / sum, -1 / sum)];
}

/** The numbers of one step: x' = x·x + Σ weights·D + noise·z. */
interface Rule {
  (
    options: DpmOptions,
    order: number,
    h: number,
    from: { alpha: number; sigma: number },
    to: { alpha: number; sigma: number },
  ): { x: number; weights: readonly number[]; noise: number };
}

/** The answer is the image: DPM-Solver++, and its SDE with twice the h under the exponential. */
const imageRule: Rule = ({ algorithm, solver }, order, h, from, to) => {
  const stochastic = algorithm === "sde-dpmsolver++";
  const span = stochastic ? 2 * h : h;
  const p0 = -Math.expm1(-span);
  const p1 = order === 2 && solver === "midpoint" ? p0 / 2 : 1 - p0 / span;
  // The SDE's last weight does not vanish with h, unlike the ODE's; it is diffusers' and made to agree with it.
  const p2 = (p0 - span) / span ** 2 + (stochastic ? -0.5 : 0.5);
  return {
    x: (to.sigma / from.sigma) * (stochastic ? Math.exp(-h) : 1),
    weights: [to.alpha * p0, to.alpha * p1, to.alpha * p2],
    noise: to.sigma * Math.sqrt(-Math.expm1(-2 * h)),
  };
};

/** The answer is the noise: DPM-Solver; its SDE takes everything but x twice. */
const noiseRule: Rule = ({ algorithm, solver }, order, h, from, to) => {
  const share = -to.sigma * (algorithm === "sde-dpmsolver" ? 2 : 1);
  const q0 = Math.expm1(h);
  const q1 = order === 2 && solver === "midpoint" ? q0 / 2 : q0 / h - 1;
  const q2 = (q0 - h) / h ** 2 - 0.5;
  return {
    x: to.alpha / from.alpha,
    weights: [share * q0, share * q1, share * q2],
    noise: to.sigma * Math.sqrt(Math.expm1(2 * h)),
  };
};

/** Lower orders towards the end: where σ reaches 0 always, and in short runs to keep them stable. */
function orders(config: SchedulerConfig, steps: number): DpmOptions["largestOrder"] {
  const short = config.lowerOrderFinal && steps < 15;
  const firstAtEnd = config.eulerAtFinal || short || config.finalSigma === "zero";
  return (remaining) => {
    if (remaining === 1 && firstAtEnd) return 1;
    return remaining === 2 && short ? Math.min(config.solverOrder, 2) : config.solverOrder;
  };
}

function scalingOf({ sigmaSpacing }: SchedulerConfig): Scaling {
  return sigmaSpacing === "flow" ? flow : preserving;
}

/** diffusers' `DPMSolverMultistepScheduler`. */
export const dpmSolverMultistep: SchedulerClass = {
  name: "DPMSolverMultistepScheduler",
  defaults: {
    num_train_timesteps: 1000,
    beta_start: 0.0001,
    beta_end: 0.02,
    beta_schedule: "linear",
    trained_betas: null,
    solver_order: 2,
    prediction_type: "epsilon",
    thresholding: false,
    dynamic_thresholding_ratio: 0.995,
    sample_max_value: 1,
    algorithm_type: "dpmsolver++",
    solver_type: "midpoint",
    lower_order_final: true,
    euler_at_final: false,
    use_karras_sigmas: false,
    use_exponential_sigmas: false,
    use_beta_sigmas: false,
    use_lu_lambdas: false,
    use_flow_sigmas: false,
    flow_shift: 1,
    final_sigmas_type: "zero",
    lambda_min_clipped: "-inf",
    variance_type: null,
    timestep_spacing: "linspace",
    steps_offset: 0,
    rescale_betas_zero_snr: false,
    use_dynamic_shifting: false,
    time_shift_type: "exponential",
  },
  callsPerStep: 1,
  scaling: scalingOf,
  check(config) {
    requireOneOf(config, "solverOrder", [1, 2, 3]);
    requireOneOf(config, "solverType", ["midpoint", "heun"]);
    const { className, algorithmType, finalSigma, solverOrder } = config;
    if (!algorithmType.endsWith("++") && finalSigma === "zero") {
      throw new WeightError(
        `${className}: ${algorithmType} cannot reach σ = 0; set final_sigmas_type to "sigma_min"`,
      );
    }
    if (algorithmType === "sde-dpmsolver" && solverOrder === 3) {
      throw new WeightError(`${className}: sde-dpmsolver has orders 1 and 2 only, got 3`);
    }
  },
  plan(config, steps) {
    const scaling = scalingOf(config);
    const levels = solverLevels(config, steps);
    const step = dpmMultistep({
      algorithm: config.algorithmType,
      solver: config.solverType === "heun" ? "heun" : "midpoint",
      scaling,
      largestOrder: orders(config, levels.length - 1),
    });
    const sampler: Sampler = config.thresholding
      ? (denoise, ...rest) => step(agreeWithDenoised(denoise, scaling), ...rest)
      : step;
    return planOf(levels, sampler, 1);
  },
};
