/** @file Zip archives against one that Python's zipfile made, and against hostile ones. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { zipOf, type PlainEntry } from "../../tests/reference/zip.ts";
import { FormatError } from "../base/index.ts";
import { openZip } from "./zip.node.ts";

const folder = (): string => {
  const made = mkdtempSync(join(tmpdir(), "limn zip "));
  onTestFinished(() => rmSync(made, { recursive: true }));
  return made;
};
const archive = (bytes: Uint8Array): string => {
  const file = join(folder(), "a.zip");
  writeFileSync(file, bytes);
  return file;
};
const text = (words: string) => new TextEncoder().encode(words);
const entry = (path: string, more: Partial<PlainEntry> = {}) => ({
  path,
  data: text("abc"),
  ...more,
});
const squares = Array.from({ length: 200 }, (_, n) => n * n).join(" ");

test("an archive of Python's zipfile: deflated and stored, folders left out", async () => {
  using zip = await openZip("tests/goldens/formats/zip/squares.zip");
  expect([...zip.entries.values()]).toEqual([
    { path: "folder/squares.txt", bytes: squares.length },
    { path: "plain.txt", bytes: 8 },
  ]);
  expect(new TextDecoder().decode(await zip.read("folder/squares.txt", 1e4))).toBe(squares);
  const to = join(folder(), "out");
  const seen: Uint8Array[] = [];
  await zip.unpack("folder/squares.txt", to, { onBytes: (piece) => seen.push(piece) });
  expect(readFileSync(to, "utf8")).toBe(squares);
  expect(Buffer.concat(seen).toString()).toBe(squares);
  await expect(zip.unpack("plain.txt", to)).rejects.toThrow("EEXIST");
});

test("bytes beyond the limit are not read", async () => {
  using zip = await openZip("tests/goldens/formats/zip/squares.zip");
  await expect(zip.read("folder/squares.txt", 100)).rejects.toThrow(
    `"folder/squares.txt" in tests/goldens/formats/zip/squares.zip has ${squares.length} bytes, more than 100`,
  );
  await expect(zip.read("missing", 100)).rejects.toThrow(FormatError);
});

test.each([
  ["a path that climbs", "../../etc/passwd"],
  ["an absolute path", "/etc/passwd"],
  ["a path of another drive", "C:/windows"],
])("%s is refused", async (_, path) => {
  await expect(openZip(archive(zipOf([entry(path)])))).rejects.toThrow(FormatError);
});

test("backslashes are folders, and climb no better", async () => {
  using zip = await openZip(archive(zipOf([entry("a\\b")])));
  expect([...zip.entries.keys()]).toEqual(["a/b"]);
  await expect(openZip(archive(zipOf([entry("..\\..\\b")])))).rejects.toThrow(FormatError);
});

test("two entries of one path are refused", async () => {
  const twice = zipOf([entry("a"), entry("a")]);
  await expect(openZip(archive(twice))).rejects.toThrow('two entries "a"');
});

test.each([
  ["a symbolic link", { mode: 0o120777 }, "is a symbolic link"],
  ["a device", { mode: 0o020666 }, "is no ordinary file"],
  ["an encrypted entry", { flags: 1, method: 8 }, "is encrypted"],
  ["an unknown method", { method: 12 }, "is compressed by a method (12) that limn does not know"],
])("%s is not unpacked", async (_, more, why) => {
  using zip = await openZip(archive(zipOf([entry("good"), entry("bad", more)])));
  const to = join(folder(), "out");
  await expect(zip.unpack("bad", to)).rejects.toThrow(why);
  expect(new TextDecoder().decode(await zip.read("good", 10))).toBe("abc");
});

test("an entry that holds more than it claims is not unpacked whole", async () => {
  // 10 kB of zeros, deflated by zlib itself, said to be 3 bytes.
  const { deflateRawSync } = await import("node:zlib");
  const data = deflateRawSync(new Uint8Array(10_000));
  using zip = await openZip(archive(zipOf([entry("bomb", { data, claimed: 3, method: 8 })])));
  const to = join(folder(), "out");
  await expect(zip.unpack("bomb", to)).rejects.toThrow(FormatError);
  await expect(zip.read("bomb", 100)).rejects.toThrow(FormatError);
});

test.each([
  ["no zip at all", text("this is a page that says 404, of course")],
  ["nothing", new Uint8Array()],
  ["an archive cut short", readFileSync("tests/goldens/formats/zip/squares.zip").subarray(0, 700)],
])("%s is a FormatError", async (_, bytes) => {
  await expect(openZip(archive(bytes))).rejects.toThrow(FormatError);
});

test("a missing file is the system's own error", async () => {
  await expect(openZip(join(folder(), "none.zip"))).rejects.toThrow("ENOENT");
});

test("unpacking stops on a signal", async () => {
  using zip = await openZip("tests/goldens/formats/zip/squares.zip");
  const signal = AbortSignal.abort(new Error("enough"));
  const to = join(folder(), "out");
  await expect(zip.unpack("folder/squares.txt", to, { signal })).rejects.toThrow("enough");
});
