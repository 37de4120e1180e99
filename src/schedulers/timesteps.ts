/** @file Which training timesteps are visited: leading, linspace and trailing, table 2 of Lin et al. 2023. */
import { RequestError } from "../base/index.ts";
import type { SchedulerConfig } from "./config.ts";
import { countdown, linspace, roundEven } from "./numeric.ts";

/** n timesteps from noise to image, as fractions where linspace falls between whole ones. */
export function spacedTimesteps(config: SchedulerConfig, n: number): number[] {
  const { timestepSpacing: spacing, numTrainTimesteps: trainTimesteps } = config;
  checkSteps(n, trainTimesteps);
  switch (spacing) {
    case "linspace":
      return linspace(0, trainTimesteps - 1, n).reverse();
    case "leading": {
      const ratio = Math.floor(trainTimesteps / n);
      return Array.from({ length: n }, (_, i) => (n - 1 - i) * ratio + config.stepsOffset);
    }
    case "trailing":
      return countdown(trainTimesteps, trainTimesteps / n).map((t) => roundEven(t) - 1);
  }
}

/** `spacedTimesteps` rounded to whole ones, all of which the training table has. */
export function wholeTimesteps(config: SchedulerConfig, n: number): number[] {
  const timesteps = spacedTimesteps(config, n).map(roundEven);
  const { numTrainTimesteps: count, stepsOffset } = config;
  if (timesteps[0] < count) return timesteps;
  const first = (steps: number) => (steps - 1) * Math.floor(count / steps) + stepsOffset;
  let most = count;
  while (first(most) >= count) most -= 1;
  throw new RequestError(
    "steps",
    `${n} steps would begin at timestep ${timesteps[0]}, but steps_offset ${stepsOffset} leaves none above ${count - 1}; at most ${most} steps are possible`,
  );
}

/** Throws unless n is a whole number of steps between 1 and `most`. */
export function checkSteps(n: number, most: number, least = 1): void {
  if (!Number.isInteger(n) || n < least || n > most) {
    throw new RequestError(
      "steps",
      `must be a whole number between ${least} and ${most}, got ${n}`,
    );
  }
}
