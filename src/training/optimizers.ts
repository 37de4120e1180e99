/** @file Optimisers as graphs: new parameters and state from gradients, traced once per parameter. */
import { scalar, type Tensor } from "../tensor/index.ts";

/** Which optimiser, with torch's names and meaning of its settings. */
export type OptimizerConfig =
  | {
      readonly kind: "adamw" | "adam";
      readonly betas: readonly [number, number];
      readonly eps: number;
      readonly weightDecay: number;
    }
  | {
      readonly kind: "sgd";
      readonly momentum: number;
      readonly dampening: number;
      readonly nesterov: boolean;
      readonly weightDecay: number;
    };

/** One parameter's turn: its value, gradient and state, and the learning rate of this step. */
export interface Turn {
  readonly value: Tensor;
  readonly gradient: Tensor;
  readonly state: Readonly<Record<string, Tensor>>;
  readonly rate: Tensor;
  /** Numbers that change with the step, as `scalars` names them. */
  readonly scalars: Readonly<Record<string, Tensor>>;
}

/** What an optimiser keeps per parameter, what depends on the step (counted from 1), and the update itself. */
export interface Optimizer {
  readonly slots: readonly string[];
  scalars(step: number): Record<string, number>;
  update(turn: Turn): { value: Tensor; state: Record<string, Tensor> };
}

type Adam = Extract<OptimizerConfig, { kind: "adamw" | "adam" }>;

/**
 * Adam (Kingma & Ba 2015); AdamW decays the value itself, first (Loshchilov & Hutter 2019).
 * p −= rate/(1−β1ᵗ) · m / (√v/√(1−β2ᵗ) + ε)
 */
function adam({ kind, betas: [beta1, beta2], eps, weightDecay }: Adam): Optimizer {
  return {
    slots: ["mean", "square"],
    scalars: (step) => ({
      meanCorrection: 1 / (1 - beta1 ** step),
      squareCorrection: 1 / Math.sqrt(1 - beta2 ** step),
    }),
    update: ({ value, gradient, state, rate, scalars }) => {
      const g = kind === "adam" && weightDecay ? gradient.add(value.mul(weightDecay)) : gradient;
      const mean = state.mean.mul(beta1).add(g.mul(1 - beta1));
      const square = state.square.mul(beta2).add(g.mul(g).mul(1 - beta2));
      const width = square.sqrt().mul(scalars.squareCorrection).add(eps);
      const step = mean.mul(rate.mul(scalars.meanCorrection)).div(width);
      const decays = kind === "adamw" && weightDecay !== 0;
      const decayed = decays ? value.mul(scalar(1).sub(rate.mul(weightDecay))) : value;
      return { value: decayed.sub(step), state: { mean, square } };
    },
  };
}

type Sgd = Extract<OptimizerConfig, { kind: "sgd" }>;

/** Stochastic gradient descent with momentum, as torch counts it: the first step's buffer is the gradient itself. */
function sgd({ momentum, dampening, nesterov, weightDecay }: Sgd): Optimizer {
  return {
    slots: momentum ? ["momentum"] : [],
    scalars: (step) => ({ fresh: step === 1 ? 1 : 1 - dampening }),
    update: ({ value, gradient, state, rate, scalars }) => {
      const g = weightDecay ? gradient.add(value.mul(weightDecay)) : gradient;
      if (!momentum) return { value: value.sub(g.mul(rate)), state: {} };
      const buffer = state.momentum.mul(momentum).add(g.mul(scalars.fresh));
      const direction = nesterov ? g.add(buffer.mul(momentum)) : buffer;
      return { value: value.sub(direction.mul(rate)), state: { momentum: buffer } };
    },
  };
}

/** The optimiser that a configuration names. */
export function optimizer(config: OptimizerConfig): Optimizer {
  return config.kind === "sgd" ? sgd(config) : adam(config);
}
