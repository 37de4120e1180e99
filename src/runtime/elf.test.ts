/** @file ELF files that end too early, made by hand and cut from a real one. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { isCutShort } from "./elf.node.ts";

function stored(bytes: Uint8Array): string {
  const folder = mkdtempSync(join(tmpdir(), "limn elf "));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "lib.so"), bytes);
  return join(folder, "lib.so");
}

/** A library of so many bytes whose second program header maps bytes 200 to 300. */
function elf(bytes: number, { kind = 1, width = 2, order = 1 } = {}): Buffer {
  const made = Buffer.alloc(Math.max(bytes, 300));
  made.write("\x7fELF", "latin1");
  made.set([width, order], 4);
  made.writeBigUInt64LE(64n, 32); // where the program headers begin,
  made.writeUInt16LE(56, 54); // how long one is,
  made.writeUInt16LE(2, 56); // and how many
  made.writeUInt32LE(kind, 120);
  made.writeBigUInt64LE(200n, 128);
  made.writeBigUInt64LE(100n, 152);
  return made.subarray(0, bytes);
}

test.each([
  [300, false],
  [299, true],
  [176, true],
  [175, true], // in the middle of the headers
  [63, false], // no header at all: the loader says so
  [0, false],
])("%i bytes of 300: %s", (bytes, cut) => {
  expect(isCutShort(stored(elf(bytes)))).toBe(cut);
});

test("what is not mapped may lie anywhere, and other files are left to the loader", () => {
  expect(isCutShort(stored(elf(200, { kind: 4 })))).toBe(false);
  expect(isCutShort(stored(elf(200, { width: 1 })))).toBe(false);
  expect(isCutShort(stored(elf(200, { order: 2 })))).toBe(false);
  expect(isCutShort(stored(Buffer.from("not a library".repeat(20))))).toBe(false);
  expect(isCutShort(join(tmpdir(), "nowhere", "lib.so"))).toBe(false);
});

test.runIf(process.platform === "linux")(
  "the program that runs this is whole; its half is not",
  () => {
    expect(isCutShort(process.execPath)).toBe(false);
    const bytes = readFileSync(process.execPath);
    expect(isCutShort(stored(bytes.subarray(0, bytes.length / 2)))).toBe(true);
  },
);
