/** @file What openFolder finds in a folder, and what it says when something is not there. */
import { cp, mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CLIPTextModel, CLIPTextModelWithProjection, UNet2DModel } from "../models/index.ts";
import { openFolder } from "./index.ts";

const models = "tests/goldens/models";

async function copyOf(name: string): Promise<string> {
  const folder = join(await mkdtemp(join(tmpdir(), "limn-")), name);
  await cp(`${models}/${name}`, folder, { recursive: true });
  return folder;
}

test("the parts of an SDXL folder are found by name", async () => {
  const folder = await openFolder(`${models}/sdxl`);
  expect(folder.pipeline).toBe("StableDiffusionXLPipeline");
  expect(folder.settings.get("force_zeros_for_empty_prompt")).toBe(true);
  expect(folder.textEncoder?.module).toBeInstanceOf(CLIPTextModel);
  expect(folder.textEncoder2?.module).toBeInstanceOf(CLIPTextModelWithProjection);
  expect(folder.tokenizer2).toBe(join(models, "sdxl", "tokenizer_2"));
  expect(folder.scheduler).toMatchObject({ _class_name: "EulerDiscreteScheduler" });
  const conv = folder.unet.weights.get("unet.conv_in.weight");
  expect(conv).toMatchObject({ dtype: "f16", shape: [16, 4, 3, 3] });
});

test("an unconditional folder, and the same with all files in its root", async () => {
  const folder = await copyOf("ddpm");
  expect((await openFolder(folder)).unet.module).toBeInstanceOf(UNet2DModel);
  await cp(join(folder, "unet"), folder, { recursive: true });
  await rm(join(folder, "unet"), { recursive: true });
  const opened = await openFolder(folder);
  expect(opened.unet.module).toBeInstanceOf(UNet2DModel);
  expect(opened.vae).toBe(null);
});

test("fp16 variants and shards are found; a pickle alone is refused with the way out", async () => {
  const folder = await copyOf("sd1-inpaint");
  const stem = join(folder, "unet/diffusion_pytorch_model");
  await rename(`${stem}.safetensors`, `${stem}.fp16.safetensors`);
  expect((await openFolder(folder)).unet.weights.size).toBe(684);
  await expect(openFolder(folder, { variant: "full" })).rejects.toThrow("has no weights");
  await rename(`${stem}.fp16.safetensors`, `${stem}-00001-of-00001.safetensors`);
  const { weights } = (await openFolder(`${models}/sd1-inpaint`)).unet;
  const names = [...weights.keys()].map((path) => path.slice("unet.".length));
  const map = Object.fromEntries(
    names.map((name) => [name, "diffusion_pytorch_model-00001-of-00001.safetensors"]),
  );
  await writeFile(`${stem}.safetensors.index.json`, JSON.stringify({ weight_map: map }));
  expect((await openFolder(folder)).unet.weights.size).toBe(684);
  await rm(`${stem}.safetensors.index.json`);
  await rename(`${stem}-00001-of-00001.safetensors`, `${stem}.bin`);
  await expect(openFolder(folder)).rejects.toThrow(
    /has only diffusion_pytorch_model\.bin; limn reads \.safetensors here/,
  );
});

test("weights of another model are refused by count and name", async () => {
  const folder = await copyOf("sd1");
  await cp(`${models}/sd1-inpaint/unet`, join(folder, "unet"), { recursive: true });
  await cp(`${models}/sd1/unet/config.json`, join(folder, "unet/config.json"));
  await expect(openFolder(folder)).rejects.toThrow(
    "1 tensor misshapen: conv_in.weight [16,9,3,3] instead of [16,4,3,3]",
  );
});

test("a scheduler_config.json that is not there is told with the way out", async () => {
  const folder = await copyOf("sd1");
  await rm(join(folder, "scheduler/scheduler_config.json"));
  const error: unknown = await openFolder(folder).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    message: `${join(folder, "scheduler/scheduler_config.json")} does not exist`,
    hint: expect.stringContaining("comes with the model: download it") as string,
  });
});

test("a folder without model_index.json is no diffusers folder", async () => {
  await expect(openFolder("tests")).rejects.toThrow("tests has no model_index.json");
});
