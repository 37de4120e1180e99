/** @file Adafactor: second moments of matrices kept as a row and a column (Shazeer & Stern 2018), torch's variant. */
import type { Tensor } from "../../tensor/index.ts";
import type { Optimizer, Turn } from "./rule.ts";

/** `beta2Decay`: the newest square's share is step^beta2Decay; `eps`: least root mean square of a value; `clip`: largest of an update. */
export interface AdafactorConfig {
  readonly kind: "adafactor";
  readonly beta2Decay: number;
  readonly eps: number;
  readonly clip: number;
}

/** Smallest number that f32 tells from 1, torch's floor of a mean square. */
const tiny = 2 ** -23;

const rootMeanSquare = (x: Tensor) => x.mul(x).mean().sqrt();

/** Moves the kept squares towards the new ones by `scalars.share`. */
const towards = (kept: Tensor, squares: Tensor, { scalars }: Turn) =>
  kept.add(squares.sub(kept).mul(scalars.share));

/** Mean squares of each element, factored as rows ⊗ columns / mean where there is more than one axis. */
function estimate(turn: Turn): { squares: Tensor; state: Record<string, Tensor> } {
  const { gradient, state } = turn;
  const all = gradient.mul(gradient);
  if (gradient.rank < 2) {
    const square = towards(state.square, all, turn);
    return { squares: square, state: { square } };
  }
  const rows = towards(state.rows, all.mean([-1], { keepdims: true }), turn);
  const columns = towards(state.columns, all.mean([-2], { keepdims: true }), turn);
  const squares = rows.mul(columns).div(rows.mean([-2], { keepdims: true }).max(tiny));
  return { squares, state: { rows, columns } };
}

/** p −= max(eps, rms p) · min(rate, 1/√t) · u / max(1, rms u / clip), u = g/√(mean square). */
export function adafactor({ beta2Decay, eps, clip }: AdafactorConfig): Optimizer {
  return {
    slots: (shape) =>
      shape.length < 2
        ? { square: shape }
        : { rows: shape.with(-1, 1), columns: shape.with(-2, 1) },
    scalars: (step) => ({ share: step ** beta2Decay, longest: 1 / Math.sqrt(step) }),
    update: (turn) => {
      const { value, gradient, rate, scalars } = turn;
      const { squares, state } = estimate(turn);
      const direction = gradient.div(squares.max(tiny ** 2).sqrt());
      const length = rootMeanSquare(value).max(eps).mul(rate.min(scalars.longest));
      const limit = rootMeanSquare(direction).div(clip).max(1);
      return { value: value.sub(direction.mul(length.div(limit))), state };
    },
  };
}
