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

/** `spacedTimesteps` rounded to whole ones. */
export function wholeTimesteps(config: SchedulerConfig, n: number): number[] {
  return spacedTimesteps(config, n).map(roundEven);
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
