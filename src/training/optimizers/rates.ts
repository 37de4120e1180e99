/** @file Learning-rate schedules: the factor of the base rate at each step, counted from 0. */

/** Warm-up from 0 over `warmup` steps, then a course; `floor` is the share of the base rate where it ends. */
export type RateConfig = { readonly warmup: number } & (
  | { readonly decay: "constant" }
  | { readonly decay: "linear" | "cosine"; readonly floor?: number }
  /** Cosines from the base rate to 0, `cycles` of them. */
  | { readonly decay: "cosineRestarts"; readonly cycles: number }
  | { readonly decay: "polynomial"; readonly power: number; readonly floor: number }
  /** The first piece whose `until` lies beyond the step gives the factor; `last` holds after all of them. */
  | {
      readonly decay: "piecewise";
      readonly pieces: readonly { readonly until: number; readonly factor: number }[];
      readonly last: number;
    }
);

const halfCosine = (turns: number) => 0.5 * (1 + Math.cos(Math.PI * turns));

/** Factor once warmed up, at the share `share` of the rest. */
function course(step: number, share: number, rate: RateConfig): number {
  switch (rate.decay) {
    case "constant":
      return 1;
    case "linear":
      return lift(Math.max(0, 1 - share), rate.floor);
    // Past its end it rises again: diffusers does not clamp it, and a longer run shows the mistake.
    case "cosine":
      return lift(halfCosine(share), rate.floor);
    case "cosineRestarts":
      return share >= 1 ? 0 : halfCosine((rate.cycles * share) % 1);
    case "polynomial":
      return lift(Math.max(0, 1 - share) ** rate.power, rate.floor);
    case "piecewise":
      return rate.pieces.find(({ until }) => step < until)?.factor ?? rate.last;
  }
}

const lift = (factor: number, floor = 0) => floor + (1 - floor) * factor;

/** Factor at `step` of `steps`: step/warmup while warming up, so that the first step has rate 0, as in diffusers. */
export function rateAt(step: number, steps: number, rate: RateConfig): number {
  const { warmup } = rate;
  if (step < warmup) return step / warmup;
  return course(step, (step - warmup) / Math.max(1, steps - warmup), rate);
}
