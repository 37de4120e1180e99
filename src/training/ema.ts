/** @file Averaged weights: how much of the old average stays at each step. */

/** A fixed decay, or a ramp (1 + n)/(10 + n) up to `decay`, n counted from 0. */
export interface EmaConfig {
  readonly decay: number;
  readonly ramp: "none" | "diffusers" | "tenth";
}

/** Share of the old average kept at optimiser step `step`, counted from 1. */
export function emaDecayAt(step: number, { decay, ramp }: EmaConfig): number {
  if (ramp === "none") return decay;
  if (ramp === "tenth") return Math.min(decay, step / (9 + step));
  // diffusers' EMAModel copies at its first step and then follows (1 + n)/(10 + n) with n = step − 1.
  const n = step - 1;
  return n <= 0 ? 0 : Math.min(decay, (1 + n) / (10 + n));
}
