/** @file Names of pictures: readable, unique, whole. */
import { link, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { slugOf, targetOf, wishedPath, writeNewFile } from "./picture-files.ts";

// Real links, but for the test that has none.
vi.mock("node:fs/promises", async (original) => {
  const real = await original<typeof import("node:fs/promises")>();
  return { ...real, link: vi.fn(real.link) };
});

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "limn-files-"));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}
const bytes = (text: string) => new TextEncoder().encode(text);

test.each([
  ["A red apple!", "a-red-apple"],
  ["красное  яблоко", "красное-яблоко"],
  ["../../etc/passwd", "etc-passwd"],
  ["", "picture"],
  ["?!", "picture"],
  [`${"word ".repeat(30)}`, Array(12).fill("word").join("-")],
  ["x".repeat(100), "x".repeat(60)],
])("slug of %j", (prompt, slug) => {
  expect(slugOf(prompt)).toBe(slug);
});

test("what --out means", async () => {
  const existing = await folder();
  const many = { numbered: true };
  expect(await targetOf(null, many)).toEqual({ kind: "folder", path: ".", names: "prompt" });
  expect(await targetOf(existing, many)).toMatchObject({ kind: "folder", names: "number" });
  expect(await targetOf("new/", { numbered: false })).toMatchObject({ names: "prompt" });
  expect(await targetOf("a.PNG", many)).toEqual({ kind: "file", path: "a.PNG" });
  await expect(targetOf("a.jpg", many)).rejects.toThrow("out: limn writes .png files");
});

test("names in a folder", () => {
  const picture = { index: 7, prompt: "A cat", seed: 3 };
  const at = (names: "prompt" | "number") =>
    wishedPath({ kind: "folder", path: "out", names }, picture);
  expect([at("prompt"), at("number")]).toEqual([
    join("out", "a-cat-3.png"),
    join("out", "00007.png"),
  ]);
});

test("[G10] nothing is overwritten, even by writers at the same moment, and nothing else is left", async () => {
  const place = await folder();
  const wished = join(place, "a.png");
  const texts = ["one", "two", "three", "four"];
  const paths = await Promise.all(texts.map((text) => writeNewFile(wished, bytes(text))));
  expect(new Set(paths).size).toBe(4);
  expect((await readdir(place)).sort()).toEqual(["a-2.png", "a-3.png", "a-4.png", "a.png"]);
  for (const [i, path] of paths.entries()) expect(await readFile(path, "utf8")).toBe(texts[i]);
});

test("a folder that cannot be is one sentence", async () => {
  const file = join(await folder(), "file");
  await writeFile(file, "");
  const path = join(file, "a.png");
  await expect(writeNewFile(path, bytes(""))).rejects.toMatchObject({
    code: "engine",
    message: `cannot write ${path}: a part of the path is a file, not a folder`,
    hint: "give another place",
  });
});

test("[G10] without hard links nothing is overwritten either", async () => {
  const wished = join(await folder(), "a.png");
  vi.mocked(link).mockRejectedValue(Object.assign(new Error("no links"), { code: "EPERM" }));
  onTestFinished(() => void vi.mocked(link).mockReset());
  const texts = ["one", "two", "three"];
  const paths = await Promise.all(texts.map((text) => writeNewFile(wished, bytes(text))));
  expect((await readdir(dirname(wished))).sort()).toEqual(["a-2.png", "a-3.png", "a.png"]);
  for (const [i, path] of paths.entries()) expect(await readFile(path, "utf8")).toBe(texts[i]);
});
