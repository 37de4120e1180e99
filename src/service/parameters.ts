/** @file What makes a picture again: as A1111's infotext inside the file, and as JSON. */
import { basename } from "node:path";
import { printInfotext } from "../formats/index.ts";
import type { Settings } from "./protocol.ts";

/** The infotext of one picture. */
export function infotextOf(settings: Settings, prompt: string, seed: number): string {
  const { steps, sampler, schedule, guidance, width, height, model, clipSkip, rng } = settings;
  const parameters = new Map<string, string>([
    ["Steps", String(steps)],
    ["Sampler", sampler],
    ["Schedule type", schedule],
    ["CFG scale", String(guidance)],
    ["Seed", String(seed)],
    ["Size-1", String(width)],
    ["Size-2", String(height)],
    ["Model", model],
    // A1111's names: its own default, the GPU's generator, is the one that it leaves out.
    ["RNG", rng === "torch" ? "CPU" : "NV"],
  ]);
  if (clipSkip > 1) parameters.set("Clip skip", String(clipSkip));
  if (settings.eta > 0) parameters.set("Eta", String(settings.eta));
  if (settings.guidanceRescale > 0) parameters.set("CFG rescale", String(settings.guidanceRescale));
  // An absent line means no negative prompt, as with A1111, whose SDXL also takes zeros for it.
  if (settings.negative === "") parameters.set("Negative", "empty text");
  if (settings.latents !== null) parameters.set("Latents", basename(settings.latents));
  parameters.set("Engine", `${settings.engine} ${settings.engineVersion}`);
  parameters.set("Precision", settings.precision);
  parameters.set("Version", `limn ${settings.version}`);
  return printInfotext({ prompt, negative: settings.negative ?? "", parameters });
}
