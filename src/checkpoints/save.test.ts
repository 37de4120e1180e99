/** @file A folder opened and saved again holds the same numbers, and configs that diffusers wrote in the first place. */
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openSafetensors, readAsF32, readTensor, type StoredTensor } from "../formats/index.ts";
import { parametersOf } from "../nn/index.ts";
import type { Parameter } from "../tensor/index.ts";
import { describeNetwork, openFolder, saveFolder, type DiffusersFolder } from "./index.ts";

const models = "tests/goldens/models";
const temporary = () => mkdtemp(join(tmpdir(), "limn-"));

function networksOf({ unet, vae, textEncoder, textEncoder2 }: DiffusersFolder) {
  return {
    unet: unet.module,
    ...(vae ? { vae: vae.module } : {}),
    ...(textEncoder ? { text_encoder: textEncoder.module } : {}),
    ...(textEncoder2 ? { text_encoder_2: textEncoder2.module } : {}),
  };
}

function contentsOf(folder: DiffusersFolder, dtype: "f16" | "f32") {
  const { unet, vae, textEncoder, textEncoder2, pipeline } = folder;
  const all = new Map<string, StoredTensor>(
    [unet, vae, textEncoder, textEncoder2].flatMap((part) => (part ? [...part.weights] : [])),
  );
  const values = (p: Parameter) => {
    const tensor = all.get(p.path);
    if (!tensor) throw new Error(p.path);
    return readAsF32(tensor);
  };
  const scheduler = folder.scheduler as Record<string, unknown>;
  return { pipeline, networks: networksOf(folder), values, dtype, scheduler };
}

test("f32: saved and opened again, every number is the same", async () => {
  const [from, path] = [await openFolder(`${models}/sd1`), await temporary()];
  const files = { "tokenizer/vocab.json": "{}", "limn.json": "{}" };
  await saveFolder(path, { ...contentsOf(from, "f32"), files });
  const back = await openFolder(path);
  expect(back.remarks).toEqual([]);
  expect(back.tokenizer).toBe(join(path, "tokenizer"));
  expect(back.scheduler).toEqual(from.scheduler);
  for (const name of ["unet", "vae", "textEncoder"] as const) {
    expect(back[name]?.module.config).toEqual(from[name]?.module.config);
    for (const [key, tensor] of from[name]?.weights ?? []) {
      const again = back[name]?.weights.get(key);
      if (!again) throw new Error(key);
      expect(Buffer.compare(await readTensor(again), await readTensor(tensor)), key).toBe(0);
    }
  }
});

test("f16: the text encoder's file has the tensors that diffusers rounded to f16", async () => {
  const path = await temporary();
  await saveFolder(path, contentsOf(await openFolder(`${models}/sd1`), "f16"));
  const ours = await openSafetensors(`${path}/text_encoder/model.safetensors`);
  const theirs = await openSafetensors(`${models}/sd1-inpaint/text_encoder/model.safetensors`);
  expect(ours.metadata.get("format")).toBe("pt");
  expect([...ours.tensors.keys()].sort()).toEqual([...theirs.tensors.keys()].sort());
  for (const [name, tensor] of theirs.tensors) {
    const saved = ours.tensors.get(name);
    if (!saved) throw new Error(name);
    expect(Buffer.compare(await readTensor(saved), await readTensor(tensor)), name).toBe(0);
  }
});

test.each(["sd1", "sd1-inpaint", "sd2-v", "sdxl", "ddpm"])(
  "%s: printed configs say what diffusers' own files say",
  async (name) => {
    const folder = await openFolder(`${models}/${name}`);
    for (const [part, module] of Object.entries(networksOf(folder))) {
      const file = `${models}/${name}/${part}/config.json`;
      const theirs = JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
      const ours = describeNetwork(module).config;
      const shared = Object.keys(ours).filter((key) => key in theirs);
      expect(shared.length).toBeGreaterThan(12);
      for (const key of shared)
        expect(plain(ours[key]), `${part} ${key}`).toEqual(plain(theirs[key]));
    }
  },
);

/** −0 and integer-valued floats aside, as JSON has them; a single-sized picture is written as one number or two. */
function plain(value: unknown): unknown {
  const json = JSON.parse(JSON.stringify(value ?? null)) as unknown;
  return Array.isArray(json) && json.every((n) => n === json[0]) ? json[0] : json;
}

test("numbers that are not finite are refused and leave no model behind", async () => {
  const [from, path] = [await openFolder(`${models}/ddpm`), await temporary()];
  const big = (p: Parameter) => new Float32Array(p.size).fill(1e6); // beyond f16's 65504
  const contents = { ...contentsOf(from, "f16"), values: big };
  await expect(saveFolder(path, contents)).rejects.toThrow(/unet\.\S+: in f16, 0 numbers are NaN/);
  expect(existsSync(join(path, "model_index.json"))).toBe(false);
  expect(existsSync(join(path, "unet/diffusion_pytorch_model.safetensors"))).toBe(false);
  expect(parametersOf(from.unet.module).length).toBe(142);
  await saveFolder(path, contentsOf(from, "f32"));
  expect(existsSync(join(path, "model_index.json"))).toBe(true);
  await expect(saveFolder(path, contents)).rejects.toThrow("in f16");
  expect(existsSync(join(path, "model_index.json"))).toBe(false);
});
