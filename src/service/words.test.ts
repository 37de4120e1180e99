/** @file Names and errors: what was meant, what a configuration is called, errors as data. */
import { describe, expect, test } from "vitest";
import {
  EngineError,
  FormatError,
  fromSentError,
  LimnError,
  NotFiniteError,
  RequestError,
  toSentError,
} from "../base/index.ts";
import { parseSchedulerConfig, samplers, schedules, withSampler } from "../schedulers/index.ts";
import { nearest } from "./nearest.ts";
import { samplerLabel, scheduleLabel } from "./scheduler-labels.ts";

test.each([
  ["oiler", "Euler"],
  ["DPM++2M", "DPM++ 2M"],
  ["euler ancestral", null],
  ["xyz", null],
])("nearest to %s is %s", (word, meant) => {
  expect(nearest(word, ["DDIM", "DPM++ 2M", "Euler", "Euler a"])).toBe(meant);
});

describe("the label of a configuration names it again", () => {
  const file = { _class_name: "PNDMScheduler", skip_prk_steps: true, beta_start: 0.00085 };
  test.each(samplers.map(({ label }) => label))("%s", (label) => {
    const settings = withSampler(file, { sampler: label, schedule: "Automatic" });
    const again = withSampler(file, { sampler: samplerLabel(settings), schedule: "Automatic" });
    expect(again).toEqual(settings);
  });

  test.each(Object.keys(schedules))("%s", (schedule) => {
    const settings = withSampler(file, { sampler: "DPM++ 2M", schedule });
    const label = scheduleLabel(settings);
    const kept = withSampler(settings, { sampler: null, schedule: label });
    expect(parseSchedulerConfig(kept)).toEqual(parseSchedulerConfig(settings));
    const again = withSampler(file, { sampler: samplerLabel(settings), schedule: label });
    expect(parseSchedulerConfig(again)).toEqual(parseSchedulerConfig(settings));
  });
});

describe("errors keep class, words and stack", () => {
  test.each([
    new RequestError("steps", "too many", { hint: "take fewer" }),
    new EngineError("no memory", { hint: "buy some" }),
    new NotFiniteError("step 3", { hint: "another copy" }),
    new FormatError("broken"),
    new LimnError("internal", "internal: oh"),
  ])("$name", (error) => {
    const back = fromSentError(structuredClone(toSentError(error)));
    expect(back).toBeInstanceOf(error.constructor);
    expect(back).toMatchObject({ message: error.message, code: error.code, stack: error.stack });
    expect((back as LimnError).hint).toBe(error.hint);
  });

  test("others become internal ones", () => {
    const back = fromSentError(toSentError(new TypeError("x is not a function")));
    expect(back).toMatchObject({ code: "internal", message: "x is not a function" });
    expect(fromSentError(toSentError("text")).message).toBe("text");
  });
});
