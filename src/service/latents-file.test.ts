/** @file Files of latents: which tensor is the noise, and batches put together. */
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { hostArray } from "../base/index.ts";
import { writeSafetensors } from "../formats/index.ts";
import { LatentsRecord, readStartNoise, writeLatents } from "./latents-file.ts";

async function place(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "limn-latents-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, "x.safetensors");
}
const tensor = (name: string, ...data: number[]) => ({
  name,
  dtype: "f32" as const,
  shape: [1, 1, 1, data.length],
  data: Float32Array.from(data),
});

test("the only tensor is the noise, whatever its name; among several noise, latents, initial", async () => {
  const path = await place();
  await writeSafetensors(path, [tensor("anything", 1, 2)]);
  expect((await readStartNoise(path, 1)).data).toEqual(Float32Array.of(1, 2));
  const several = await place();
  await writeSafetensors(several, [tensor("initial", 1), tensor("latents", 2), tensor("x", 3)]);
  expect((await readStartNoise(several, 1)).data).toEqual(Float32Array.of(2));
  const none = await place();
  await writeSafetensors(none, [tensor("a", 1), tensor("b", 2)]);
  await expect(readStartNoise(none, 1)).rejects.toMatchObject({
    field: "latents",
    hint: "it holds a, b",
  });
});

test("batches lie under each other, and the scale of the start is undone", async () => {
  const record = new LatentsRecord();
  for (const first of [4, 8]) {
    record.add("initial", hostArray(Float32Array.of(first, 2), [1, 1, 1, 2]));
    record.add("step_000", hostArray(Float32Array.of(first, 1), [1, 1, 1, 2]));
  }
  const path = await place();
  await writeLatents(path, record.tensors(), 4);
  expect(await readStartNoise(path, 2)).toEqual({
    shape: [2, 1, 1, 2],
    data: Float32Array.of(1, 0.5, 2, 0.5),
  });
});

/** A file whose header promises a tensor of f32 that nobody has written; its bytes are a hole on the disk. */
async function promise(shape: readonly number[]): Promise<string> {
  const path = await place();
  const bytes = shape.reduce((a, b) => a * b, 4);
  const entry = { dtype: "F32", shape, data_offsets: [0, bytes] };
  const header = Buffer.from(JSON.stringify({ noise: entry }));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  await writeFile(path, Buffer.concat([length, header]));
  await truncate(path, 8 + header.length + bytes);
  return path;
}

test("noise of a size that no pictures have is refused unread", async () => {
  const tooMany = await promise([1, 4, 2 ** 13, 2 ** 13]);
  await expect(readStartNoise(tooMany, 1)).rejects.toThrow("no more than 16777216 numbers");
  const others = await promise([2 ** 12, 4, 64, 64]);
  await expect(readStartNoise(others, 1)).rejects.toThrow("holds noise for 4096 pictures");
  const flat = await promise([2 ** 26]);
  await expect(readStartNoise(flat, 1)).rejects.toThrow("got [67108864]");
});

test.each(["0", "-1", "NaN", "Infinity", "", "one"])(
  "a scale of %j, which nothing can be divided by, is refused",
  async (sigma) => {
    const path = await place();
    const others = [tensor("initial", 1), tensor("final", 1)];
    await writeSafetensors(path, others, new Map([["init_noise_sigma", sigma]]));
    await expect(readStartNoise(path, 1)).rejects.toMatchObject({
      field: "latents",
      message: `latents: ${path}: its init_noise_sigma must be a number above 0, got "${sigma}"`,
    });
  },
);
