/** @file Checksums of files: the whole of small ones, many places of large ones. */
import { mkdtemp, open, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { checksumOf } from "./checksum.node.ts";

async function folder(): Promise<string> {
  const made = await mkdtemp(join(tmpdir(), "limn checksum "));
  onTestFinished(() => rm(made, { recursive: true }));
  return made;
}

async function sumOf(file: string): Promise<number> {
  await using handle = await open(file);
  return await checksumOf(handle);
}

test("differ where bytes or lengths do", async () => {
  const file = join(await folder(), "file");
  const sums = new Set<number>();
  for (const bytes of [[], [0], [0, 0], [1, 0], [0, 1]]) {
    await writeFile(file, Uint8Array.from(bytes));
    sums.add(await sumOf(file));
  }
  expect(sums.size).toBe(5);
});

test("of a large file see its first and its last byte, and a hole of two hundredths", async () => {
  const file = join(await folder(), "file");
  const size = 2 ** 30 + 12345;
  const withByte = async (at: number, length = 1) => {
    await writeFile(file, "");
    await truncate(file, size); // takes no room: what is not written is zeros
    await using handle = await open(file, "r+");
    await handle.write(new Uint8Array(length).fill(7), 0, length, at);
    return await checksumOf(handle);
  };
  const sums = [await withByte(0), await withByte(size - 1), await withByte(2 ** 29, 2 ** 24)];
  await writeFile(file, "");
  await truncate(file, size);
  expect(new Set([...sums, await sumOf(file)]).size).toBe(4);
});
