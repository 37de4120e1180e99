/** @file Whether weights are packed for a request: it pays for itself after some steps, where there is room. */
import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
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
  // Halves are widened, mapped and packed: six times the file, and room for the pictures themselves.
  return calls >= 10 && available > 6 * (await networkBytes(folder)) + 1e9 ? "fast" : "lean";
}

/** Whether the machine has the memory for weights in their files and a packed copy of them in f32. */
export async function hasRoomToPack(folder: string): Promise<boolean> {
  const { available } = await machineMemory();
  // Halves become twice as large; what is mapped can be dropped by the system.
  return available > 3 * (await networkBytes(folder)) + 1e9;
}

/** Size of the UNet's weight files, by far the largest of a model. */
async function networkBytes(folder: string): Promise<number> {
  const unet = join(folder, "unet");
  const names = await readdir(unet).catch(() => []);
  const weights = names.filter((name) => name.endsWith(".safetensors"));
  const sizes = await Promise.all(weights.map(async (name) => (await stat(join(unet, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}
