/** @file limn's side of a training step: gradients, then the update, into memory that is there already. */
import { elementwiseEngine, ortEngine, type Engine } from "../../src/runtime/index.ts";
import { slotName } from "../../src/training/optimizers/update.ts";
import { Updater } from "../../src/training/updater.node.ts";
import { emblemStep } from "../emblem-step.ts";
import type { Run } from "./own-networks.ts";
import type { Work } from "./works.ts";

/** Compiles a step; the answer is the loss and the norm of the gradients. */
export async function openTraining({ batch }: Work, engine: Engine, threads: number): Promise<Run> {
  const { graphs, inputs, trained, updating, ...step } = await emblemStep(batch);
  const state = step.state();
  const gradients = await engine.compile(graphs.gradients, { bind: () => ({ kind: "input" }) });
  // As limn train does it, whatever computes the gradients.
  const updater = await Updater.open(elementwiseEngine(await ortEngine()), updating, {
    ...{ trained, state, threads },
  });
  const into = updater.gradients;
  return async () => {
    const { loss, ...slopes } = await gradients.run(inputs, { into });
    const arrays = trained.map(({ path }) => slopes[slotName("gradient", path)].data);
    const { norm } = await updater.step(state, arrays as Float32Array[]);
    return () => Float32Array.of(Number(loss.data[0]), norm);
  };
}
