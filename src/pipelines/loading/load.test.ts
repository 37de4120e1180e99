/** @file What a loaded network is known by. */
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { load } from "./load.node.ts";

test("weights of another file in the same place have another identity", async () => {
  const root = await mkdtemp(join(tmpdir(), "limn load "));
  const folder = join(root, "sd1");
  await cp("tests/goldens/models/sd1", folder, { recursive: true });
  const identity = async () => (await load(folder)).parts.unetWeights.identity;
  const first = await identity();
  expect(await identity()).toBe(first);
  const file = join(folder, "unet/diffusion_pytorch_model.safetensors");
  const bytes = await readFile(file);
  bytes[bytes.length - 1] ^= 1;
  await writeFile(file, bytes);
  expect(await identity()).not.toBe(first);
  await rm(root, { recursive: true });
});
