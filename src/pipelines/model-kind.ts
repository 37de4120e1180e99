/** @file What a model draws from, and how many steps that takes when nobody says. */

/** Whether a model listens to words. */
export type ModelKind = "text-to-image" | "unconditional";

/** Steps of the diffusers pipelines of a kind, for models whose maker recommends none. */
export const defaultSteps: Readonly<Record<ModelKind, number>> = {
  "text-to-image": 50,
  unconditional: 1000,
};
