/** @file The text inside a picture: enough to tell apart what was drawn differently. */
import { expect, test } from "vitest";
import { parseInfotext } from "../formats/index.ts";
import { infotextOf } from "./parameters.ts";
import type { Settings } from "./protocol.ts";

const settings: Settings = {
  model: "sdxl",
  negative: null,
  steps: 4,
  guidance: 5,
  guidanceRescale: 0,
  width: 64,
  height: 64,
  sampler: "Euler",
  schedule: "Automatic",
  rng: "torch",
  eta: 0,
  clipSkip: 1,
  latents: null,
  engine: "ort",
  engineVersion: "1",
  precision: "f32",
  version: "0",
};
const parsed = (changes: Partial<Settings>) =>
  parseInfotext(infotextOf({ ...settings, ...changes }, "a cat", 1));

test("no negative prompt and an empty one are told apart", () => {
  const absent = parsed({});
  const empty = parsed({ negative: "" });
  expect([absent.negative, absent.parameters.get("Negative")]).toEqual(["", undefined]);
  expect([empty.negative, empty.parameters.get("Negative")]).toEqual(["", "empty text"]);
  expect(parsed({ negative: "dogs" }).negative).toBe("dogs");
});

test("given noise is named, without the folder it came from", () => {
  expect(parsed({}).parameters.has("Latents")).toBe(false);
  expect(parsed({ latents: "/home/x/noise.safetensors" }).parameters.get("Latents")).toBe(
    "noise.safetensors",
  );
});
