/** @file Which files are lists of prompts, and what is said of the others. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readPrompts } from "./prompts-file.ts";

const folder = mkdtempSync(join(tmpdir(), "limn-"));
afterAll(() => rmSync(folder, { recursive: true }));
const list = join(folder, "list.txt");
const read = (bytes: string | Uint8Array) => {
  writeFileSync(list, bytes);
  return readPrompts(list);
};

test("lines are prompts, whatever ends them, and blank ones are none", async () => {
  expect(await read("\ufeffa cat\r\n\n  \nкот\tи 😀\nlast")).toEqual([
    "a cat",
    "кот\tи 😀",
    "last",
  ]);
});

test.each<[what: string, bytes: string | Uint8Array, words: string]>([
  ["a NUL", "a cat\na\0dog\n", String.raw`line 2 of ${list} is not text: it holds \u0000`],
  ["an escape", "a\n\nb\u001b[2J", String.raw`line 3 of ${list} is not text: it holds \u001b`],
  ["Latin-1", Uint8Array.of(0x61, 0x0a, 0x63, 0xe9, 0x0a), `line 2 of ${list} is not UTF-8`],
  ["UTF-16", Uint8Array.of(0xff, 0xfe, 0x61, 0), `line 1 of ${list} is not UTF-8`],
  ["nothing", " \n\n", `${list} has no lines`],
])("%s is refused with its place", async (_, bytes, words) => {
  const error: unknown = await read(bytes).catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    field: "prompts",
    message: `prompts: ${words}`,
    hint: "a prompts file is plain text in UTF-8 with one prompt a line",
  });
});

test("a folder and a missing file are refused too", async () => {
  await expect(readPrompts(folder)).rejects.toThrow("is a folder");
  await expect(readPrompts(join(folder, "none"))).rejects.toThrow("there is no file");
});
