/**
 * @file Does the model listen? The loss with each picture's own caption beside the loss with its neighbour's.
 * `npx jiti recipes/emblem/captions-matter.ts runs/emblem` — equal numbers mean that captions and pictures do not belong together.
 */
import { join } from "node:path";
import { openSafetensors, readAsF32 } from "limn/formats";
import { ortEngine, type Value } from "limn/runtime";
import { graphOf } from "limn/tensor";
import { bindWeights } from "limn/training";
import recipe from "../emblem.ts";

const [run = "runs/emblem", weights = "diffusion/averaged.safetensors"] = process.argv.slice(2);
const [stage] = recipe.stages.filter(({ name }) => name === "diffusion");
/** The last batches of the training, told apart from all others by their number alone. */
const [count, last] = [40, stage.steps];

/** The rows of ids moved on by one. */
function shifted(ids: Value): Value {
  const [, length] = ids.shape;
  const data = ids.data.slice() as BigInt64Array;
  const rows = ids.data as BigInt64Array;
  data.set(rows.subarray(length));
  data.set(rows.subarray(0, length), rows.length - length);
  return { ...ids, data };
}

async function main(): Promise<void> {
  const { tensors } = await openSafetensors(join(run, weights));
  const numbers = new Map<string, Float32Array>();
  for (const [name, stored] of tensors)
    numbers.set(name.replace(/^average\//, ""), await readAsF32(stored));
  const { loss } = stage.trace().outputs;
  const engine = await ortEngine();
  await using program = await engine.compile(graphOf({ loss }), {
    bind: bindWeights(numbers),
  });
  const batches = await stage.batches(run);
  const sums = { own: 0, other: 0 };
  for (let step = last - count; step < last; step++) {
    const batch = await batches(step, 0);
    sums.own += Number((await program.run(batch)).loss.data[0]) / count;
    const mixed = { ...batch, ids: shifted(batch.ids) };
    sums.other += Number((await program.run(mixed)).loss.data[0]) / count;
  }
  const [own, other] = [sums.own.toFixed(3), sums.other.toFixed(3)];
  console.log(`loss with the picture's own caption ${own}, with another's ${other}`);
}

void main();
