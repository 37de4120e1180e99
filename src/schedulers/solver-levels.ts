/** @file Levels as the DPM-Solver family takes them: σ with whole timesteps. (DPM-Solver, UniPC, DEIS, …) */
import { RequestError } from "../base/index.ts";
import type { SchedulerConfig, SigmaSpacing } from "./config.ts";
import { countdown, interpolate, linspace, roundEven } from "./numeric.ts";
import type { StepList } from "./plan.ts";
import type { Level } from "./sampler.ts";
import { sigmaTable } from "./sigma-levels.ts";
import { beta, exponential, karras, timestepOf, type Spacing } from "./spacing.ts";
import { alphasCumprod } from "./tables.ts";
import { checkSteps } from "./timesteps.ts";

/** n + 1 levels in f32, the last one without a call. */
export function solverLevels(config: SchedulerConfig, steps: StepList): Level[] {
  const table = sigmaTable(config);
  const n = typeof steps === "number" ? steps : "timesteps" in steps ? steps.timesteps.length : 0;
  if (n === 0 && typeof steps === "object") {
    throw new RequestError("steps", `${config.className} takes timesteps, not σ`);
  }
  checkSteps(n, config.numTrainTimesteps);
  const end = { sigma: Math.fround(config.finalSigma === "zero" ? 0 : table[0]), timestep: 0 };
  const levels = spread(config, n, table) ?? visited(config, steps, table);
  return [...levels.map(({ sigma, timestep }) => ({ sigma: Math.fround(sigma), timestep })), end];
}

/** σ of the table at the timesteps. */
function visited(config: SchedulerConfig, steps: StepList, table: Float32Array): Level[] {
  const timesteps =
    typeof steps === "object" && "timesteps" in steps
      ? steps.timesteps.map(Math.trunc)
      : solverTimesteps(config, steps as number, lastTimestep(config));
  return timesteps.map((timestep) => ({ sigma: interpolate(table, timestep), timestep }));
}

/** n + 1 intervals are spaced, and the last timestep is left out (leading, linspace). */
function solverTimesteps(config: SchedulerConfig, n: number, last: number): number[] {
  switch (config.timestepSpacing) {
    case "linspace":
      return linspace(0, last - 1, n + 1)
        .map(roundEven)
        .reverse()
        .slice(0, -1);
    case "leading": {
      const ratio = Math.floor(last / (n + 1));
      return Array.from({ length: n }, (_, i) => (n - i) * ratio + config.stepsOffset);
    }
    case "trailing":
      return countdown(last, config.numTrainTimesteps / n).map((t) => roundEven(t) - 1);
  }
}

/** How many timesteps have λ = ln(α/σ) of at least `lambdaMinClipped`: they alone are visited. */
function lastTimestep({ lambdaMinClipped, ...config }: SchedulerConfig): number {
  return alphasCumprod(config).filter(
    (alphaBar) => 0.5 * Math.log(alphaBar / (1 - alphaBar)) >= lambdaMinClipped,
  ).length;
}

/** σ spread by a rule over the whole table, or null if the timesteps decide. */
function spread(config: SchedulerConfig, n: number, table: Float32Array): Level[] | null {
  const { sigmaSpacing, numTrainTimesteps } = config;
  if (sigmaSpacing === "table") return null;
  if (sigmaSpacing === "flow") {
    return flowSigmas(config, n).map((sigma) => ({
      sigma,
      timestep: Math.trunc(sigma * numTrainTimesteps),
    }));
  }
  const { spacing, whole } = spreads[sigmaSpacing];
  const logs = table.map(Math.log);
  // The cosine schedule's Karras timesteps are cut, not rounded.
  const round =
    whole === "round" && config.betaSchedule !== "squaredcos_cap_v2" ? roundEven : Math.trunc;
  return spacing({ min: table[0], max: table[table.length - 1] }, n).map((sigma) => ({
    sigma,
    timestep: round(timestepOf(Math.log(Math.max(sigma, 1e-10)), logs)),
  }));
}

/** Even in log σ with the table's own f32 logarithms as ends (λ of Lu et al. 2022). */
const lu: Spacing = ({ min, max }, n) =>
  linspace(Math.fround(Math.log(max)), Math.fround(Math.log(min)), n).map(Math.exp);

const spreads: Readonly<
  Record<Exclude<SigmaSpacing, "table" | "flow">, { spacing: Spacing; whole: "round" | "cut" }>
> = {
  karras: { spacing: karras, whole: "round" },
  lu: { spacing: lu, whole: "round" },
  exponential: { spacing: exponential, whole: "cut" },
  beta: { spacing: beta, whole: "cut" },
};

/** σ from almost 1 down, even before the shift σ s/(1 + (s - 1) σ). */
function flowSigmas({ numTrainTimesteps, flowShift: shift }: SchedulerConfig, n: number): number[] {
  return linspace(1, 1 / numTrainTimesteps, n + 1)
    .map((alpha) => (shift * (1 - alpha)) / (1 + (shift - 1) * (1 - alpha)))
    .reverse()
    .slice(0, -1);
}
