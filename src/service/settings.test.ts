/** @file The settings file: kept, forgotten, refused where it is not limn's. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { forgetSetting, parseSettings, readSavedSetting, saveSetting } from "./settings-file.ts";
import { processorName } from "./processor.ts";
import { unsaved, withSaved } from "./settings.ts";
import { settleWay } from "./settle.ts";

let data = "";
beforeEach(() => {
  data = mkdtempSync(join(tmpdir(), "limn settings "));
  vi.stubEnv("LIMN_DATA", join(data, "own"));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(data, { recursive: true, force: true });
});

const setting = {
  engine: "openvino",
  precision: "bf16",
  threads: 2,
  models: ["emblem"],
  processor: "a processor",
} as const;

test("what is saved is read, in a file that people can read, and forgotten on request", async () => {
  expect(await readSavedSetting()).toBeNull();
  expect(await forgetSetting()).toBe(false);
  const path = await saveSetting(setting);
  expect(await readSavedSetting()).toEqual(setting);
  expect(readFileSync(path, "utf8")).toMatch(/^ {4}"engine": "openvino",$/m);
  await saveSetting({ ...setting, threads: 1 });
  expect((await readSavedSetting())?.threads).toBe(1);
  expect(readdirSync(join(data, "own"))).toEqual(["settings.json"]);
  expect(await forgetSetting()).toBe(true);
  expect(await readSavedSetting()).toBeNull();
});

const text = (drawing: object) => JSON.stringify({ version: 1, drawing });
test.each([
  ["{", /settings.json is not JSON/],
  ["[]", /settings.json must be a JSON object, but it is an array/],
  [JSON.stringify({ version: 2, drawing: setting }), /is of version 2/],
  [JSON.stringify({ version: 1 }), /drawing must be a JSON object, but it is missing/],
  [text({ ...setting, engine: "cuda" }), /engine must be openvino or ort or wasm, .* "cuda"/],
  [text({ ...setting, precision: undefined }), /precision must be bf16 or f32, .* missing/],
  [text({ ...setting, threads: 0 }), /threads must be a whole number from 1, but it is 0/],
  [text({ ...setting, threads: "2" }), /threads must be a whole number from 1, but it is "2"/],
  [text({ ...setting, models: [{}] }), /models must be text, but it is an object/],
])("%s is refused, and it is said how to get rid of it", (broken, message) => {
  const read = () => parseSettings(Buffer.from(broken), "settings.json");
  expect(read).toThrow(message);
  expect(read).toThrow(
    expect.objectContaining({ hint: expect.stringContaining("limn bench --reset") as string }),
  );
});

test("a folder that cannot be made is told in one sentence", async () => {
  writeFileSync(join(data, "own"), "");
  await expect(saveSetting(setting)).rejects.toThrow(/cannot write .*settings.json/);
  expect(await readSavedSetting()).toBeNull();
});

test("what is asked for wins; of another engine's setting nothing is taken", () => {
  const nothing = { engine: null, precision: null, threads: null };
  const { engine, precision, threads } = setting;
  const notes: string[] = [];
  const of = (asked: object, model = "emblem") =>
    withSaved({ ...nothing, ...asked }, setting, model);
  expect(unsaved(nothing)).toEqual({ engine: "auto", precision: "auto", threads: null, notes });
  expect(of({})).toEqual({ engine, precision, threads, notes });
  const other = { precision: "auto", threads: null, notes };
  expect(of({ engine: "ort" })).toEqual({ engine: "ort", ...other });
  expect(of({ engine: "auto" })).toEqual({ engine: "auto", ...other });
  expect(of({ engine, precision: "f32" })).toEqual({ engine, precision: "f32", threads, notes });
  expect(of({ threads: 1 })).toEqual({ engine, precision, threads: 1, notes });
});

test("bf16 is not taken for a model that it was not compared with", () => {
  const nothing = { engine: null, precision: null, threads: null };
  expect(withSaved(nothing, setting, "another").precision).toBe("auto");
  expect(withSaved(nothing, { ...setting, precision: "f32" }, "another").precision).toBe("f32");
});

test("what does not hold any more is passed over with a note", async () => {
  const nothing = { engine: null, precision: null, threads: null };
  const own = { ...setting, engine: "ort", precision: "f32", processor: processorName() } as const;
  await saveSetting(own);
  expect(await settleWay(nothing, "emblem")).toMatchObject({
    engine: "ort",
    threads: 2,
    notes: [],
  });
  await saveSetting({ ...own, processor: "another" });
  expect(await settleWay(nothing, "emblem")).toEqual({
    engine: "auto",
    precision: "auto",
    threads: null,
    notes: [expect.stringContaining("measured on another processor, another")],
  });
  await saveSetting({ ...own, engine: "openvino" });
  vi.stubEnv("LIMN_OPENVINO", join(data, "nowhere"));
  expect((await settleWay(nothing, "emblem")).notes).toHaveLength(1);
  expect(await settleWay({ ...nothing, engine: "openvino" }, "emblem")).toMatchObject({
    engine: "openvino",
    notes: [],
  });
});
