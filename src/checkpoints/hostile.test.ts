/** @file Configs that must be refused, in the place of those of an honest folder: nothing hangs, allocates or leaves the folder. */
import { copyFile, cp, mkdtemp } from "node:fs/promises";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { LimnError } from "../base/index.ts";
import { openFolder } from "./index.ts";

const goldens = "tests/goldens";
const list = JSON.parse(readFileSync(`${goldens}/formats/hostile/hostile.json`, "utf8")) as {
  files: { file: string; must: string; why: string }[];
};
/** Which config of the folder a hostile file stands in for, by the beginning of its name. */
const places: Record<string, string> = {
  unet: "unet/config.json",
  json: "unet/config.json",
  text: "text_encoder/config.json",
  index: "model_index.json",
};
const cases = list.files.flatMap(({ file, must, why }) => {
  const place = places[/^hostile\/configs\/(\w+)-/.exec(file)?.[1] ?? ""];
  return place === undefined ? [] : [{ file, must, why, place }];
});

let folder: string;
beforeAll(async () => {
  folder = join(await mkdtemp(join(tmpdir(), "limn-")), "sd1");
  await cp(`${goldens}/models/sd1`, folder, { recursive: true });
});

test("there are cases", () => expect(cases.length).toBeGreaterThan(30));

test.each(cases)("$must $file: $why", async ({ file, must, place }) => {
  await copyFile(join(goldens, "formats", file), join(folder, place));
  const opened = openFolder(folder);
  try {
    if (must === "refuse") {
      const error: unknown = await opened.catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(LimnError);
      expect((error as LimnError).code).not.toBe("internal");
    } else {
      const { remarks } = await opened;
      expect(remarks.length > 0).toBe(must === "accept-with-report");
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

test("an unknown field is named in the remarks", async () => {
  const place = "unet/config.json";
  await copyFile(`${goldens}/formats/hostile/configs/unet-field-unknown.json`, join(folder, place));
  expect((await openFolder(folder)).remarks.join()).toContain("brand_new_option");
  await copyFile(join(goldens, "models/sd1", place), join(folder, place));
});
