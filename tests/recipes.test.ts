/** @file The recipes' own parts: what they write appears whole, and what they lack they name. */
import { link, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import type * as Data from "../recipes/emblem/data.ts";
import type * as Latents from "../recipes/emblem/latents.ts";
import { writeSafetensors } from "../src/formats/index.ts";
import { ortEngine } from "../src/runtime/index.ts";
import { loadRecipe, type Run } from "../src/training/index.ts";
import { recipeParts } from "./reference/recipe-parts.ts";

const { prepareFurtherData, writeTokenizer } = await recipeParts<typeof Data>("emblem/data.ts");
const { fold, readLatents } = await recipeParts<typeof Latents>("emblem/latents.ts");

async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "limn recipes "));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

const names = ["merges.txt", "tokenizer_config.json", "vocab.json"];
const textsOf = (folder: string) =>
  Promise.all(names.map((name) => readFile(join(folder, "tokenizer", name), "utf8")));

/** A run whose pictures are built, and a model whose tokenizer is `texts`. */
async function further(texts: readonly string[]) {
  const folder = await newFolder();
  await mkdir(join(folder, "run/data"), { recursive: true });
  await writeFile(join(folder, "run/data/summary.json"), "{}");
  await mkdir(join(folder, "model/tokenizer"), { recursive: true });
  for (const [i, text] of texts.entries())
    await writeFile(join(folder, "model/tokenizer", names[i]), text);
  const [run, model] = [join(folder, "run"), join(folder, "model")];
  const prepare = async () => {
    for await (const note of prepareFurtherData(run, { concepts: [], model })) void note;
  };
  return { run, model, prepare };
}

test("further training takes the model's tokenizer once; resuming leaves it", async () => {
  const { run, model, prepare } = await further(["m", "c", "v"]);
  await prepare();
  expect(await textsOf(run)).toEqual(["m", "c", "v"]);
  await writeFile(join(model, "tokenizer/merges.txt"), "of another model");
  await prepare();
  expect(await textsOf(run)).toEqual(["m", "c", "v"]);
});

test("a tokenizer that was begun and not finished is written again", async () => {
  const { run, prepare } = await further(["m", "c", "v"]);
  await mkdir(join(run, "tokenizer"));
  await writeFile(join(run, "tokenizer/merges.txt"), "to");
  await prepare();
  expect(await textsOf(run)).toEqual(["m", "c", "v"]);
});

test("a model that lacks a file of its tokenizer leaves none that looks complete", async () => {
  const { run, prepare } = await further(["m"]);
  await expect(prepare()).rejects.toThrow("tokenizer_config.json");
  expect(await readdir(run)).toEqual(["data"]);
});

test("each file of a tokenizer is replaced as one, never written into", async () => {
  const folder = await newFolder();
  await mkdir(join(folder, "tokenizer"));
  for (const name of names) {
    // A second name keeps showing what the first one had, unless that file itself is written to.
    await writeFile(join(folder, "tokenizer", name), "old");
    await link(join(folder, "tokenizer", name), join(folder, name));
  }
  const bytes = new TextEncoder().encode("new");
  await writeTokenizer(folder, {
    ...{ "merges.txt": bytes, "tokenizer_config.json": bytes, "vocab.json": bytes },
  });
  expect(await textsOf(folder)).toEqual(["new", "new", "new"]);
  for (const name of names) expect(await readFile(join(folder, name), "utf8")).toBe("old");
});

test("latents that are missing, or not one for each picture, are refused", async () => {
  const folder = await newFolder();
  const file = join(folder, "latents.safetensors");
  const write = (name: string, count: number) =>
    writeSafetensors(file, [
      {
        name,
        dtype: "f32",
        shape: [count, 8, 16, 16],
        data: new Float32Array(count * 2048).fill(count),
      },
    ]);
  await write("others", 2);
  await expect(readLatents(folder, 2)).rejects.toMatchObject({
    code: "weights",
    message: `${file} needs a tensor latents [2,8,16,16], one for each picture, but has none`,
  });
  await write("latents", 2);
  await expect(readLatents(folder, 3)).rejects.toThrow("[3,8,16,16], one for each picture");
  expect(await readLatents(folder, 2)).toEqual(new Float32Array(4096).fill(2));
});

test("what is missing around the latents is named", () => {
  const unit = { mean: Array<number>(8).fill(0), std: Array<number>(8).fill(1) };
  expect(() => fold(new Map(), unit)).toThrow("there are no weights for vae.quant_conv.weight");
});

test("a DDPM whose weights are not whole is not saved", async () => {
  const recipe = await loadRecipe("recipes/ddpm.ts");
  const engine = await ortEngine();
  const run: Run = {
    ...{ folder: await newFolder(), engine, threads: 1, precision: "f32" },
    weights: () => Promise.resolve(new Map()),
  };
  await expect(recipe.stages[0].finish?.(run, new Map())).rejects.toThrow(
    /^there are no weights for unet\./,
  );
});
