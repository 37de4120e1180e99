/** @file Small files: what is missing, too large, no file, or grows meanwhile. */
import { appendFileSync } from "node:fs";
import type * as Files from "node:fs/promises";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { FormatError } from "../base/index.ts";
import { readJsonFile, readSmallFile, readSmallText } from "./small-file.node.ts";

/** What happens between looking at a file and opening it. */
const between = vi.hoisted(() => ({ beforeOpen: () => {} }));
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof Files>();
  const open: typeof Files.open = (...args) => {
    between.beforeOpen();
    return real.open(...args);
  };
  return { ...real, open };
});

async function fileOf(content: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "limn small "));
  onTestFinished(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "x.json"), content);
  return join(folder, "x.json");
}

test("a file is read whole, an empty one too, and one that is not there is undefined", async () => {
  const path = await fileOf('{"a": "я"}');
  expect(await readSmallText(path)).toBe('{"a": "я"}');
  expect(await readJsonFile(path)).toEqual({ a: "я" });
  expect(await readSmallFile(await fileOf(""), { maxBytes: 0 })).toEqual(new Uint8Array(0));
  expect(await readSmallText(`${path}.gone`)).toBeUndefined();
  await expect(readJsonFile(`${path}.gone`)).rejects.toThrow(`${path}.gone does not exist`);
});

test("a file over the bound is not opened, one that grows is left", async () => {
  const path = await fileOf("12345");
  let opened = 0;
  between.beforeOpen = () => opened++;
  onTestFinished(() => void (between.beforeOpen = () => {}));
  await expect(readSmallFile(path, { maxBytes: 4 })).rejects.toThrow(
    `${path} has 5 bytes, over the 4 of any such file`,
  );
  expect(opened).toBe(0);
  between.beforeOpen = () => appendFileSync(path, "6".repeat(1000));
  await expect(readSmallFile(path, { maxBytes: 5 })).rejects.toThrow(
    `${path} grew while it was being read`,
  );
});

test("what is no file, or lies below one, is a FormatError", async () => {
  const path = await fileOf("{}");
  await mkdir(`${path}.d`);
  await expect(readSmallText(`${path}.d`)).rejects.toThrow("is not a file");
  await expect(readSmallText(join(path, "below"))).rejects.toThrow(FormatError);
});
