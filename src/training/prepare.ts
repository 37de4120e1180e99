/** @file What a stage becomes before its first step: parameters, the forward graph and the graph of gradients. */
import { grad } from "../autodiff/index.ts";
import { RequestError } from "../base/index.ts";
import { parametersOf, place } from "../nn/index.ts";
import { graphOf, type Graph, type Parameter } from "../tensor/index.ts";
import type { Stage } from "./recipe.ts";
import { slotName, type Trained } from "./optimizers/update.ts";

/** A stage traced, placed and differentiated. */
export interface Prepared {
  readonly parameters: readonly Parameter[];
  /** Those that move. */
  readonly trained: readonly Trained[];
  /** The metrics alone. */
  readonly forward: Graph;
  /** The metrics, and `gradient/PATH` of everything trained. */
  readonly gradients: Graph;
}

/** Traces a stage, places its networks and differentiates its loss. Throws RequestError where nothing would move. */
export function prepare(stage: Pick<Stage, "trace" | "share">): Prepared {
  const { networks, outputs } = stage.trace();
  const parameters = Object.entries(networks).flatMap(([name, network]) =>
    parametersOf(place(network, name)),
  );
  const share = (path: string) => stage.share?.(path) ?? 1;
  const moving = parameters.filter((p) => p.trains && share(p.path) > 0);
  if (moving.length === 0)
    throw new RequestError("share", `leaves none of the ${parameters.length} parameters to train`, {
      hint: "a share above 0 lets a parameter move",
    });
  const gradients = grad(outputs.loss, moving);
  const named = moving.map((p, i) => [slotName("gradient", p.path), gradients[i]] as const);
  return {
    parameters,
    trained: moving.map(({ path, shape }) => ({ path, shape, rate: share(path) })),
    forward: graphOf(outputs),
    gradients: graphOf({ ...outputs, ...Object.fromEntries(named) }),
  };
}
