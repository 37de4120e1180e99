/** @file The optimisers by name: gradient descent and the rules that scale it; Adam's family lies beside. */
import { adafactor, type AdafactorConfig } from "./adafactor.ts";
import { adam, nadam, radam, type AdamConfig, type NAdamConfig, type RAdamConfig } from "./adam.ts";
import { blend, penalised, slotsLike, type Optimizer } from "./rule.ts";

/** Settings of gradient descent with momentum. */
export interface SgdConfig {
  readonly kind: "sgd";
  readonly momentum: number;
  readonly dampening: number;
  readonly nesterov: boolean;
  readonly weightDecay: number;
}

/** Settings of RMSprop; `alpha` is how much of the mean square a step keeps. */
export interface RmspropConfig {
  readonly kind: "rmsprop";
  readonly alpha: number;
  readonly eps: number;
  readonly weightDecay: number;
}

/** Settings of Adagrad; `rateDecay` slows it beside what the sum of squares does. */
export interface AdagradConfig {
  readonly kind: "adagrad";
  readonly rateDecay: number;
  readonly eps: number;
  readonly weightDecay: number;
}

/** Which optimiser, with torch's names and meaning of its settings. */
export type OptimizerConfig =
  | AdamConfig
  | NAdamConfig
  | RAdamConfig
  | AdafactorConfig
  | SgdConfig
  | RmspropConfig
  | AdagradConfig;

/** Stochastic gradient descent with momentum, as torch counts it: the first step's buffer is the gradient itself. */
function sgd({ momentum, dampening, nesterov, weightDecay }: SgdConfig): Optimizer {
  return {
    slots: momentum ? slotsLike("momentum") : slotsLike(),
    scalars: (step) => ({ fresh: step === 1 ? 1 : 1 - dampening }),
    update: (turn) => {
      const { value, state, rate, scalars } = turn;
      const g = penalised(turn, weightDecay);
      if (!momentum) return { value: value.sub(g.mul(rate)), state: {} };
      const buffer = state.momentum.mul(momentum).add(g.mul(scalars.fresh));
      const direction = nesterov ? g.add(buffer.mul(momentum)) : buffer;
      return { value: value.sub(direction.mul(rate)), state: { momentum: buffer } };
    },
  };
}

/** p −= rate · g / (√v + ε), v the running mean of g² (Tieleman & Hinton 2012). */
function rmsprop({ alpha, eps, weightDecay }: RmspropConfig): Optimizer {
  return {
    slots: slotsLike("square"),
    scalars: () => ({}),
    update: (turn) => {
      const g = penalised(turn, weightDecay);
      const square = blend(turn.state.square, g.mul(g), alpha);
      const step = g.mul(turn.rate).div(square.sqrt().add(eps));
      return { value: turn.value.sub(step), state: { square } };
    },
  };
}

/** p −= rate/(1 + (t−1) rateDecay) · g / (√Σg² + ε) (Duchi et al. 2011). */
function adagrad({ rateDecay, eps, weightDecay }: AdagradConfig): Optimizer {
  return {
    slots: slotsLike("sum"),
    scalars: (step) => ({ slowing: 1 / (1 + (step - 1) * rateDecay) }),
    update: (turn) => {
      const g = penalised(turn, weightDecay);
      const sum = turn.state.sum.add(g.mul(g));
      const step = g.mul(turn.rate.mul(turn.scalars.slowing)).div(sum.sqrt().add(eps));
      return { value: turn.value.sub(step), state: { sum } };
    },
  };
}

type Kind = OptimizerConfig["kind"];
type Rule<K extends Kind> = (config: Extract<OptimizerConfig, { kind: K }>) => Optimizer;

const rules: { readonly [K in Exclude<Kind, "adam" | "adamw">]: Rule<K> } & {
  readonly adam: (config: AdamConfig) => Optimizer;
  readonly adamw: (config: AdamConfig) => Optimizer;
} = { adam, adamw: adam, nadam, radam, adafactor, sgd, rmsprop, adagrad };

/** The optimiser that a configuration names. */
export function optimizer(config: OptimizerConfig): Optimizer {
  // The row of a kind takes that kind's settings, which TypeScript cannot follow through the union.
  const rule = rules[config.kind] as (config: OptimizerConfig) => Optimizer;
  return rule(config);
}
