/** @file Whether weights are packed for a request: it pays for itself after some steps, where there is room. */
import { join } from "node:path";
import { dtypeBytes } from "../base/index.ts";
import { findWeights } from "../checkpoints/index.ts";
import { openSafetensors } from "../formats/index.ts";
import { defaultSteps, machineMemory, readRecommendations } from "../pipelines/index.ts";
import { kindOf } from "./model-kind.ts";
import type { GenerateRequest } from "./protocol.ts";

/** What decides how a model is compiled. */
export type Work = Pick<GenerateRequest, "folder" | "steps" | "prompts" | "count" | "batch">;

/** `fast` for ten calls of the network and more, if the machine has the memory. */
export async function compileMode(work: Work): Promise<"lean" | "fast"> {
  const { folder, steps, prompts, count, batch } = work;
  const { steps: recommended } = await readRecommendations(folder);
  const each = steps ?? recommended ?? defaultSteps[await kindOf(folder)];
  const calls = each * Math.ceil((prompts.length * count) / batch);
  const { available } = await machineMemory();
  // Mapped, packed, and room for the pictures themselves.
  return calls >= 10 && available > 3 * (await networkBytes(folder)) + 1e9 ? "fast" : "lean";
}

/** Whether the machine has the memory for weights in their files and a packed copy of them in f32. */
export async function hasRoomToPack(folder: string): Promise<boolean> {
  const { available } = await machineMemory();
  // What is mapped can be dropped by the system.
  return available > 1.5 * (await networkBytes(folder)) + 1e9;
}

/** Bytes of the UNet in f32, by far the largest of a model; 0 where it cannot be read, which opening it will say. */
async function networkBytes(folder: string): Promise<number> {
  try {
    const { tensors } = await openSafetensors(await findWeights(join(folder, "unet"), "any"));
    const sizes = [...tensors.values()].map(({ shape }) => shape.reduce((n, side) => n * side, 1));
    return sizes.reduce((sum, size) => sum + size, 0) * dtypeBytes.f32;
  } catch {
    return 0;
  }
}
