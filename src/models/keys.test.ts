/** @file The real models have exactly the tensors, shapes and parameter counts that they were published with. */
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { sizeOf } from "../base/index.ts";
import { parametersOf, place, type Module } from "../nn/index.ts";
import {
  AutoencoderKL,
  CLIPTextModel,
  CLIPTextModelWithProjection,
  parseClipTextConfig,
  parseUnetConfig,
  parseVaeConfig,
  printClipTextConfig,
  printUnetConfig,
  printVaeConfig,
  UNet2DConditionModel,
} from "./index.ts";

const folder = new URL("../../tests/keys/", import.meta.url);
const configs = JSON.parse(readFileSync(new URL("configs.json", folder), "utf8")) as Record<
  string,
  { architectures?: string[] }
>;

function build(name: string): Module {
  const json = configs[name];
  const report = (remark: string) => expect.fail(remark);
  if (name.endsWith(".unet")) return new UNet2DConditionModel(parseUnetConfig(json, report));
  if (name.endsWith(".vae")) return new AutoencoderKL(parseVaeConfig(json, report));
  const config = parseClipTextConfig(json, report);
  return json.architectures?.[0] === "CLIPTextModel"
    ? new CLIPTextModel(config)
    : new CLIPTextModelWithProjection(config);
}

/** Name → shape, in the table's own spelling, sorted by name. */
function table(name: string): string[] {
  const text = gunzipSync(readFileSync(new URL(`${name}.tsv.gz`, folder))).toString();
  const rows = text.trimEnd().split("\n");
  return rows.map((row) => row.split("\t").slice(0, 2).join(" ")).sort();
}

/** Published counts. */
const parameters: Record<string, number> = {
  "sd15.unet": 859_520_964,
  "sd15.vae": 83_653_863,
  "sd15.text_encoder": 123_060_480,
  "sd15-inpaint.unet": 859_535_364,
  "sd21.unet": 865_910_724,
  "sd21.text_encoder": 340_387_840,
  "sdxl.unet": 2_567_463_684,
  "sdxl.text_encoder_2": 694_659_840,
  "sdxl-refiner.unet": 2_259_526_660,
  "x4up.unet": 473_398_020,
  "x4up.vae": 55_325_927,
};

describe.each(Object.keys(parameters))("%s", (name) => {
  test("has the published tensors", () => {
    const ours = parametersOf(place(build(name)));
    expect(ours.map((p) => `${p.path} ${p.shape.join("x")}`).sort()).toEqual(table(name));
    expect(ours.reduce((sum, p) => sum + sizeOf(p.shape), 0)).toBe(parameters[name]);
  });

  test("prints a config that reads back as itself", () => {
    const json = configs[name];
    if (name.endsWith(".unet")) {
      const config = parseUnetConfig(json);
      expect(parseUnetConfig(printUnetConfig(config))).toEqual(config);
    } else if (name.endsWith(".vae")) {
      const config = parseVaeConfig(json);
      expect(parseVaeConfig(printVaeConfig(config))).toEqual(config);
    } else {
      const config = parseClipTextConfig(json);
      expect(parseClipTextConfig(printClipTextConfig(config, "CLIPTextModel"))).toEqual(config);
    }
  });
});
