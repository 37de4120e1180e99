/** @file The parts of a training step of the emblem's UNet as graphs, with numbers to run them on. */
import { grad } from "../src/autodiff/index.ts";
import { keyedRandom } from "../src/base/index.ts";
import { describeNetwork } from "../src/checkpoints/index.ts";
import { UNet2DConditionModel } from "../src/models/index.ts";
import { parametersOf } from "../src/nn/index.ts";
import { value, type Value } from "../src/runtime/index.ts";
import { graphOf, input, type Graph, type Parameter } from "../src/tensor/index.ts";
import { initialValues, optimizer } from "../src/training/index.ts";
import { slotName, type Trained } from "../src/training/optimizers/update.ts";
import { freshState, layoutOf, type State } from "../src/training/run/state.node.ts";
import type { Updating } from "../src/training/updater.node.ts";
import { emblemNetworks } from "./emblem.ts";

export interface EmblemStep {
  readonly network: UNet2DConditionModel;
  readonly parameters: readonly Parameter[];
  readonly graphs: Readonly<Record<"forward" | "inputGradient" | "gradients", Graph>>;
  /** The batch. */
  readonly given: Record<string, Value>;
  /** What `forward` and `gradients` read: the batch and the weights. */
  readonly inputs: Record<string, Value>;
  /** How gradients become an update, and what it begins with. */
  readonly updating: Updating;
  readonly trained: readonly Trained[];
  readonly state: () => State;
}

const updating: Updating = {
  optimizer: { kind: "adamw", betas: [0.9, 0.99], eps: 1e-8, weightDecay: 0.01 },
  rate: { base: 1e-5, warmup: 0, decay: "constant" },
  steps: 1_000_000,
  clip: 1,
  ema: { decay: 0.9, ramp: "none" },
};
const first = (parameter: Parameter) => value(initialValues(parameter, 0), parameter.shape);

/** Traces the step for a batch of so many latents. */
export async function emblemStep(batch: number): Promise<EmblemStep> {
  const { unet: network } = await emblemNetworks();
  if (!(network instanceof UNet2DConditionModel)) throw new Error("the emblem has another UNet");
  const parameters = parametersOf(network).filter(({ trains }) => trains);
  const given = batchOf(network, batch);
  const losses = lossGraphs(network, parameters, given);
  const trained = parameters.map(({ path, shape }) => ({ path, shape, rate: 1 }));
  const weights = Object.fromEntries(parameters.map((p) => [p.path, first(p)]));
  return {
    network,
    parameters,
    graphs: losses,
    given,
    inputs: { ...given, ...weights },
    ...{ updating, trained },
    state: () => stateOf(parameters),
  };
}

function batchOf(network: UNet2DConditionModel, batch: number): Record<string, Value> {
  const { inChannels, sampleSize } = network.config;
  const latent = [batch, inChannels, ...(sampleSize ?? [16, 16])];
  const context = Number(describeNetwork(network).config["cross_attention_dim"]);
  const random = keyedRandom(0, 0, 0);
  const normal = (shape: number[]) => value(random.normal(shape).data, shape);
  return {
    noisy: normal(latent),
    clean: normal(latent),
    timestep: value(Array<number>(batch).fill(500), [batch]),
    context: normal([batch, 24, context]),
  };
}

/** The loss alone, with the gradient that goes all the way back to the batch, and with all the weights' gradients. */
function lossGraphs(
  network: UNet2DConditionModel,
  parameters: readonly Parameter[],
  given: Record<string, Value>,
): Record<"forward" | "inputGradient" | "gradients", Graph> {
  const of = (name: string) => input(name, given[name].shape);
  const noisy = of("noisy");
  const missed = network.call(noisy, of("timestep"), of("context")).sub(of("clean"));
  const loss = missed.mul(missed).mean();
  const gradients = grad(loss, parameters);
  const named = parameters.map(
    ({ path }, i) => [slotName("gradient", path), gradients[i]] as const,
  );
  return {
    forward: graphOf({ loss }),
    inputGradient: graphOf({ loss, noisy: grad(loss, [noisy])[0] }),
    gradients: graphOf({ loss, ...Object.fromEntries(named) }),
  };
}

/** The state before the first step. */
function stateOf(parameters: readonly Parameter[]): State {
  const moving = new Set(parameters.map(({ path }) => path));
  const layout = layoutOf(parameters, {
    moving,
    rule: optimizer(updating.optimizer),
    average: true,
  });
  return freshState(parameters, layout, { seed: 0, start: new Map() });
}
