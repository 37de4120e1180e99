/** @file Adam and its relatives: AdamW, AMSGrad, NAdam, RAdam. */
import { scalar, type Tensor } from "../../tensor/index.ts";
import { blend, penalised, slotsLike, type Optimizer, type Turn } from "./rule.ts";

interface Moments {
  readonly betas: readonly [number, number];
  readonly eps: number;
  readonly weightDecay: number;
}

/** Settings of Adam and AdamW; `amsgrad` divides by the largest second moment so far (Reddi et al. 2018). */
export interface AdamConfig extends Moments {
  readonly kind: "adamw" | "adam";
  readonly amsgrad?: boolean;
}

/** Settings of NAdam; its momentum grows as β1 (1 − ½ · 0.96^(momentumDecay · t)). */
export interface NAdamConfig extends Moments {
  readonly kind: "nadam";
  readonly momentumDecay: number;
}

/** Settings of RAdam, which are those of the running means alone. */
export interface RAdamConfig extends Moments {
  readonly kind: "radam";
}

/** Running means of the gradient and of its square. */
function moments(g: Tensor, { state }: Turn, [beta1, beta2]: readonly [number, number]) {
  return { mean: blend(state.mean, g, beta1), square: blend(state.square, g.mul(g), beta2) };
}

/**
 * Adam (Kingma & Ba 2015); AdamW decays the value itself, first (Loshchilov & Hutter 2019).
 * p −= rate/(1−β1ᵗ) · m / (√v/√(1−β2ᵗ) + ε)
 */
export function adam({ kind, betas, eps, weightDecay, amsgrad }: AdamConfig): Optimizer {
  const [beta1, beta2] = betas;
  return {
    slots: amsgrad ? slotsLike("mean", "square", "largest") : slotsLike("mean", "square"),
    scalars: (step) => ({
      meanCorrection: 1 / (1 - beta1 ** step),
      squareCorrection: 1 / Math.sqrt(1 - beta2 ** step),
    }),
    update: (turn) => {
      const { value, rate, scalars, state } = turn;
      const { mean, square } = moments(
        penalised(turn, kind === "adam" ? weightDecay : 0),
        turn,
        betas,
      );
      const largest = amsgrad ? state.largest.max(square) : square;
      const width = largest.sqrt().mul(scalars.squareCorrection).add(eps);
      const step = mean.mul(rate.mul(scalars.meanCorrection)).div(width);
      const decays = kind === "adamw" && weightDecay !== 0;
      const decayed = decays ? value.mul(scalar(1).sub(rate.mul(weightDecay))) : value;
      return { value: decayed.sub(step), state: { mean, square, ...(amsgrad && { largest }) } };
    },
  };
}

/** Adam with Nesterov's momentum and a momentum schedule (Dozat 2016), as torch counts it. */
export function nadam({ betas, eps, weightDecay, momentumDecay }: NAdamConfig): Optimizer {
  const [beta1, beta2] = betas;
  const momentum = (step: number) => beta1 * (1 - 0.5 * 0.96 ** (step * momentumDecay));
  return {
    slots: slotsLike("mean", "square"),
    scalars: (step) => {
      let product = 1;
      // Far below what 1 − product can tell from 1, the factors that follow change nothing.
      for (let i = 1; i <= step && product > 1e-30; i++) product *= momentum(i);
      const next = momentum(step + 1);
      return {
        gradientShare: (1 - momentum(step)) / (1 - product),
        meanShare: next / (1 - product * next),
        squareCorrection: 1 / Math.sqrt(1 - beta2 ** step),
      };
    },
    update: (turn) => {
      const { value, rate, scalars } = turn;
      const g = penalised(turn, weightDecay);
      const { mean, square } = moments(g, turn, betas);
      const width = square.sqrt().mul(scalars.squareCorrection).add(eps);
      const ahead = g.mul(scalars.gradientShare).add(mean.mul(scalars.meanShare));
      return { value: value.sub(ahead.mul(rate).div(width)), state: { mean, square } };
    },
  };
}

/** Adam whose step is not divided by √v until its variance is tractable, ρₜ > 5 (Liu et al. 2020). */
export function radam({ betas, eps, weightDecay }: RAdamConfig): Optimizer {
  const [beta1, beta2] = betas;
  const longest = 2 / (1 - beta2) - 1;
  const rectification = (length: number) =>
    Math.sqrt(((length - 4) * (length - 2) * longest) / ((longest - 4) * (longest - 2) * length));
  return {
    slots: slotsLike("mean", "square"),
    scalars: (step) => {
      const left = 1 - beta2 ** step;
      const length = longest - (2 * step * beta2 ** step) / left;
      const meanCorrection = 1 / (1 - beta1 ** step);
      return length > 5
        ? { meanCorrection, plain: 0, adaptive: rectification(length) * Math.sqrt(left) }
        : { meanCorrection, plain: 1, adaptive: 0 };
    },
    update: (turn) => {
      const { value, rate, scalars } = turn;
      const { mean, square } = moments(penalised(turn, weightDecay), turn, betas);
      const scale = scalars.adaptive.div(square.sqrt().add(eps)).add(scalars.plain);
      const step = mean.mul(rate.mul(scalars.meanCorrection)).mul(scale);
      return { value: value.sub(step), state: { mean, square } };
    },
  };
}
