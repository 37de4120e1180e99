/** @file A picture's parameters read back: what was written by `infotextOf`, and by A1111. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { RequestError } from "../base/index.ts";
import { encodePng } from "../formats/index.ts";
import { wishesOf } from "./like.ts";
import { infotextOf } from "./parameters.ts";
import type { Settings } from "./protocol.ts";

async function picture(parameters: string | null): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "limn like "));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const image = { width: 1, height: 1, channels: 3, data: new Uint8Array(3) } as const;
  const texts = new Map(parameters === null ? [] : [["parameters", parameters]]);
  const path = join(folder, "a.png");
  writeFileSync(path, await encodePng(image, texts));
  return path;
}

const settings: Settings = {
  model: "emblem",
  negative: null,
  steps: 4,
  guidance: 3.5,
  guidanceRescale: 0.5,
  width: 64,
  height: 128,
  sampler: "DPM++ 2M",
  schedule: "Karras",
  rng: "torch",
  eta: 0.5,
  clipSkip: 2,
  latents: null,
  engine: "openvino",
  engineVersion: "2026.4.1",
  precision: "bf16",
  version: "0.1.0",
};

test("everything that limn writes comes back", async () => {
  const path = await picture(infotextOf(settings, 'a "red", apple: one', 7));
  expect(await wishesOf(path)).toEqual({
    prompt: 'a "red", apple: one',
    ...{
      model: "emblem",
      steps: 4,
      guidance: 3.5,
      guidanceRescale: 0.5,
      width: 64,
      height: 128,
      seed: 7,
    },
    ...{ sampler: "DPM++ 2M", schedule: "Karras", rng: "torch", eta: 0.5, clipSkip: 2 },
    ...{ engine: "openvino", precision: "bf16" },
  });
});

test("no negative prompt, an empty one and one with words are told apart", async () => {
  const negative = async (text: string | null) =>
    (await wishesOf(await picture(infotextOf({ ...settings, negative: text }, "a", 1)))).negative;
  expect([await negative(null), await negative(""), await negative("dogs")]).toEqual([
    undefined,
    "",
    "dogs",
  ]);
});

test("A1111's picture: its generator is Philox, its model and engine are not limn's", async () => {
  const text =
    "a cat\nNegative prompt: dogs\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: 5, Size: 512x768, Model: deliberate, Version: v1.10.1";
  expect(await wishesOf(await picture(text))).toEqual({
    ...{ prompt: "a cat", negative: "dogs", steps: 20, sampler: "Euler a", guidance: 7, seed: 5 },
    ...{ width: 512, height: 768, rng: "philox" },
  });
});

test("what cannot be drawn again is refused", async () => {
  await expect(wishesOf(await picture(null))).rejects.toThrow("carries no parameters");
  const given = infotextOf({ ...settings, latents: "/x/noise.safetensors" }, "a", 1);
  const asked = wishesOf(await picture(given));
  await expect(asked).rejects.toThrow("was drawn from the noise in noise.safetensors");
  await expect(asked).rejects.toThrow(RequestError);
});
