/** @file Training from a program: runs a recipe for a while and stops; started again, it goes on from there. */
import { ortEngine } from "limn/runtime";
import { train } from "limn/training";

const [recipe = "recipes/ddpm.ts", folder = "runs/example", last = "100"] = process.argv.slice(2);
const engine = await ortEngine();
const clock = () => performance.now() / 1000;
for await (const event of train(recipe, { folder, engine, clock })) {
  if (event.kind === "note") console.log(event.text);
  if (event.kind !== "step") continue;
  const { step, metrics, samplesPerSecond } = event;
  console.log(`step ${step}: loss ${metrics.loss.toFixed(3)}, ${samplesPerSecond.toFixed(0)}/s`);
  if (step >= Number(last)) break; // writes a checkpoint first
}
