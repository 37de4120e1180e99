/** @file The kind of a model is what its model_index.json says, and not a word that stands in it somewhere. */
import { mkdir, mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { kindOf } from "./model-kind.ts";

async function folderWith(index: object | string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "limn kind "));
  onTestFinished(() => rm(folder, { recursive: true }));
  const text = typeof index === "string" ? index : JSON.stringify(index);
  await writeFile(join(folder, "model_index.json"), text);
  return folder;
}

const pixels = { _class_name: "DDPMPipeline", unet: ["diffusers", "UNet2DModel"] };
const words = {
  _class_name: "StableDiffusionPipeline",
  unet: ["diffusers", "UNet2DConditionModel"],
};

test("the class of the UNet decides", async () => {
  expect(await kindOf(await folderWith(pixels))).toBe("unconditional");
  expect(await kindOf(await folderWith(words))).toBe("text-to-image");
  const mentioned = { ...words, remark: "was once a", class: "UNet2DModel" };
  expect(await kindOf(await folderWith(mentioned))).toBe("text-to-image");
});

test("what cannot be read, is too large or says nothing known is an error, not a guess", async () => {
  const folder = await folderWith(pixels);
  await truncate(join(folder, "model_index.json"), 2 ** 22 + 1);
  await expect(kindOf(folder)).rejects.toThrow("over the 4194304 of any such file");
  await rm(join(folder, "model_index.json"));
  await expect(kindOf(folder)).rejects.toThrow(
    "has no model_index.json, so it is not a diffusers folder",
  );
  await mkdir(join(folder, "model_index.json"));
  await expect(kindOf(folder)).rejects.toThrow("model_index.json is not a file");
  await expect(kindOf(await folderWith('{"_class_name"'))).rejects.toThrow("is not JSON");
  await expect(kindOf(await folderWith({ _class_name: "WarpPipeline" }))).rejects.toThrow(
    "limn has no pipeline",
  );
});
