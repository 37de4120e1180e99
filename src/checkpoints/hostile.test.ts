/** @file Configs that must be refused, in the place of those of an honest folder: nothing hangs, allocates or leaves the folder. */
import { copyFile, cp, mkdtemp, writeFile } from "node:fs/promises";
import { readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { LimnError } from "../base/index.ts";
import { load } from "../pipelines/index.ts";
import type { Engine } from "../runtime/index.ts";
import { parseSchedulerConfig } from "../schedulers/index.ts";
import { openFolder } from "./index.ts";

const goldens = "tests/goldens";
const list = JSON.parse(readFileSync(`${goldens}/formats/hostile/hostile.json`, "utf8")) as {
  files: { file: string; must: string; why: string }[];
};
/** Which file of the folder a hostile one stands in for, by the beginning of its name. */
const places: Record<string, string> = {
  unet: "unet/config.json",
  json: "unet/config.json",
  text: "text_encoder/config.json",
  index: "model_index.json",
  scheduler: "scheduler/scheduler_config.json",
  vocab: "tokenizer/vocab.json",
  merges: "tokenizer/merges.txt",
};
const cases = list.files
  .filter(({ file }) => file.startsWith("hostile/configs/"))
  .map((one) => ({ ...one, place: places[/(\w+)-[^/]+$/.exec(one.file)?.[1] ?? ""] }));

/** Opens a folder with all that only a picture needs: its tokenizer and its scheduler. */
async function openAll(path: string): Promise<readonly string[]> {
  const { remarks, scheduler } = await openFolder(path);
  parseSchedulerConfig(scheduler);
  await load(path, { engine });
  return remarks;
}

/** Compiles nothing: opening must not need it. */
const engine: Engine = {
  name: "none",
  version: "0",
  precisions: ["f32"],
  compile: () => Promise.reject(new Error("nothing shall be compiled")),
};

let folder: string;
beforeAll(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "limn-")), "sd1");
  await cp(`${goldens}/models/sd1`, folder, { recursive: true });
});

test("every hostile config has its place", () => {
  const files = readdirSync(`${goldens}/formats/hostile/configs`);
  expect(cases.map(({ file }) => basename(file)).sort()).toEqual(files.sort());
  expect(cases.filter(({ place }) => place === undefined)).toEqual([]);
});

test.each(cases)("$must $file: $why", async ({ file, must, place }) => {
  await copyFile(join(goldens, "formats", file), join(folder, place));
  const opened = openAll(folder);
  try {
    if (must === "refuse") {
      const error: unknown = await opened.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(LimnError);
      expect((error as LimnError).code).not.toBe("internal");
      expect((error as LimnError).message).toMatch(/^[^\p{Cc}\p{Bidi_Control}]{15,700}$/u);
    } else if (must === "accept-with-report") {
      expect((await opened).join("")).toMatch(/^[^\p{Cc}\p{Bidi_Control}]{15,700}$/u);
    } else {
      const remarks = await opened;
      expect(remarks).toEqual([]);
    }
  } finally {
    await copyFile(join(goldens, "models/sd1", place), join(folder, place));
  }
});

test.each([
  ["unet-block-unknown", 'down_block_types is "WarpDownBlock9D"'],
  ["unet-groups-not-dividing", "norm_num_groups 7 does not divide 16"],
  ["unet-channels-huge", "block_out_channels must be a whole number from 1 to 65536"],
  ["unet-class-missing", '_class_name must be "UNet2DConditionModel", got null'],
  ["unet-activation-unknown", 'act_fn = "swoosh"'],
  ["text-heads", "num_attention_heads 3 does not divide 128"],
  ["index-pipeline-unknown", "WarpDrivePipeline"],
  ["index-part-path", "../../outside"],
  ["index-library-unknown", "unet must be a class of diffusers or transformers"],
])("%s says what is wrong", async (name, words) => {
  const place = places[name.split("-")[0]];
  await copyFile(`${goldens}/formats/hostile/configs/${name}.json`, join(folder, place));
  await expect(openFolder(folder)).rejects.toThrow(words);
  await copyFile(join(goldens, "models/sd1", place), join(folder, place));
});

test("an unknown field is named in the remarks, with its file", async () => {
  const place = "unet/config.json";
  await copyFile(`${goldens}/formats/hostile/configs/unet-field-unknown.json`, join(folder, place));
  const { remarks } = await openFolder(folder);
  expect(remarks.join()).toMatch(/unet.config\.json: .*brand_new_option/);
  await copyFile(join(goldens, "models/sd1", place), join(folder, place));
});

test("names from files are escaped and shortened", async () => {
  const evil = `\u001b]0;owned\u0007\u202e\u009b${"n".repeat(5000)}`;
  const spoil = async (place: string, change: (json: Record<string, unknown>) => void) => {
    const json = JSON.parse(readFileSync(join(goldens, "models/sd1", place), "utf8")) as object;
    const changed: Record<string, unknown> = { ...json };
    change(changed);
    await writeFile(join(folder, place), JSON.stringify(changed));
    const result = await openAll(folder).catch((error: unknown) => [(error as Error).message]);
    await copyFile(join(goldens, "models/sd1", place), join(folder, place));
    expect(result.join("")).toMatch(/^[^\p{Cc}\p{Bidi_Control}]{15,700}$/u);
    expect(result.join("")).toContain("owned");
  };
  await spoil("unet/config.json", (json) => (json[evil] = 1));
  await spoil("unet/config.json", (json) => (json.act_fn = evil));
  await spoil("unet/config.json", (json) => (json.down_block_types = [evil]));
  await spoil("text_encoder/config.json", (json) => (json.hidden_act = evil));
  await spoil("scheduler/scheduler_config.json", (json) => (json[evil] = 1));
  await spoil("scheduler/scheduler_config.json", (json) => (json._class_name = evil));
  await spoil("scheduler/scheduler_config.json", (json) => (json.beta_start = evil));
  await spoil("model_index.json", (json) => (json._class_name = evil));
  await spoil("model_index.json", (json) => (json.unet = ["diffusers", evil]));
  await spoil("tokenizer/vocab.json", (json) => (json[evil] = 0));
});
