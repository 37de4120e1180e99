/** @file Files of latents: which tensor is the noise, and batches put together. */
import { mkdtemp, rm } from "node:fs/promises";
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
  shape: [1, data.length],
  data: Float32Array.from(data),
});

test("the only tensor is the noise, whatever its name; among several noise, latents, initial", async () => {
  const path = await place();
  await writeSafetensors(path, [tensor("anything", 1, 2)]);
  expect((await readStartNoise(path)).data).toEqual(Float32Array.of(1, 2));
  const several = await place();
  await writeSafetensors(several, [tensor("initial", 1), tensor("latents", 2), tensor("x", 3)]);
  expect((await readStartNoise(several)).data).toEqual(Float32Array.of(2));
  const none = await place();
  await writeSafetensors(none, [tensor("a", 1), tensor("b", 2)]);
  await expect(readStartNoise(none)).rejects.toMatchObject({
    field: "latents",
    hint: "it holds a, b",
  });
});

test("batches lie under each other, and the scale of the start is undone", async () => {
  const record = new LatentsRecord();
  for (const first of [4, 8]) {
    record.add("initial", hostArray(Float32Array.of(first, 2), [1, 2]));
    record.add("step_000", hostArray(Float32Array.of(first, 1), [1, 2]));
  }
  const path = await place();
  await writeLatents(path, record.tensors(), 4);
  expect(await readStartNoise(path)).toEqual({
    shape: [2, 2],
    data: Float32Array.of(1, 0.5, 2, 0.5),
  });
});
