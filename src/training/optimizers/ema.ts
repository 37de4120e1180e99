/** @file Averaged weights: how much of the old average stays at each step. */

/** A decay and how it is reached; "diffusers" and "power" are those of EMAModel without and with warm-up. */
export type EmaConfig = { readonly decay: number } &
  /** The decay itself from the first step on. */
  (
    | { readonly ramp: "none" }
    /** (1 + n)/(10 + n) up to the decay, n counted from 0. */
    | { readonly ramp: "tenth" }
    | ({ readonly ramp: "diffusers" } & Delay)
    | ({ readonly ramp: "power"; readonly inverseGamma: number; readonly power: number } & Delay)
  );

interface Delay {
  /** Steps during which the average is a copy, beside the first; 0 when left out. */
  readonly after?: number;
  /** Least decay once averaging has begun; 0 when left out. */
  readonly least?: number;
}

/** Share of the old average kept at optimiser step `step`, counted from 1. */
export function emaDecayAt(step: number, ema: EmaConfig): number {
  if (ema.ramp === "none") return ema.decay;
  if (ema.ramp === "tenth") return Math.min(ema.decay, step / (9 + step));
  const { after = 0, least = 0, decay } = ema;
  const n = step - after - 1;
  if (n <= 0) return 0;
  const reached =
    ema.ramp === "power" ? 1 - (1 + n / ema.inverseGamma) ** -ema.power : (1 + n) / (10 + n);
  return Math.max(least, Math.min(decay, reached));
}
