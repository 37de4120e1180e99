/** @file Learning-rate schedules: the factor of the base rate at each step, counted from 0. */

/** Warm-up from 0 over some steps, then a course down to `floor` (a share of the base rate). */
export interface RateConfig {
  readonly warmup: number;
  readonly decay: "constant" | "linear" | "cosine";
  readonly floor?: number;
}

/**
 * Factor at `step` of `steps`: step/warmup while warming up (so the first step has rate 0, as in diffusers), then
 * constant, linear to the floor, or floor + (1 − floor)·½(1 + cos πp) with p the share of the rest done.
 */
export function rateAt(
  step: number,
  steps: number,
  { warmup, decay, floor = 0 }: RateConfig,
): number {
  if (step < warmup) return step / Math.max(1, warmup);
  if (decay === "constant") return 1;
  const share = (step - warmup) / Math.max(1, steps - warmup);
  const fall = decay === "linear" ? 1 - share : 0.5 * (1 + Math.cos(Math.PI * share));
  return floor + (1 - floor) * Math.max(0, fall);
}
