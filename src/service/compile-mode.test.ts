/** @file Room for packed weights is counted in numbers, however they are stored. */
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { f32ToF16, writeSafetensors } from "../formats/index.ts";
import type * as Pipelines from "../pipelines/index.ts";
import { compileMode, hasRoomToPack } from "./compile-mode.ts";

const memory = vi.hoisted(() => ({ available: 0 }));
vi.mock("../pipelines/index.ts", async (original) => ({
  ...(await original<typeof Pipelines>()),
  machineMemory: () => Promise.resolve({ ...memory, total: 2 ** 40 }),
}));

const count = 1e6;

/** A folder whose UNet has a million numbers in each of these files. */
async function folderWith(files: Readonly<Record<string, "f16" | "f32">>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "limn room to pack "));
  onTestFinished(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "unet"));
  await writeFile(
    join(folder, "model_index.json"),
    '{"_class_name":"DDPMPipeline","unet":["diffusers","UNet2DModel"]}',
  );
  const numbers = new Float32Array(count);
  for (const [name, dtype] of Object.entries(files)) {
    const data = dtype === "f16" ? f32ToF16(numbers) : numbers;
    await writeSafetensors(join(folder, "unet", name), [
      { name: "w", dtype, shape: [count], data },
    ]);
  }
  return folder;
}

const name = "diffusion_pytorch_model";
test.each([
  ["halves", { [`${name}.safetensors`]: "f16" }],
  ["halves beside nothing else", { [`${name}.fp16.safetensors`]: "f16" }],
  ["f32", { [`${name}.safetensors`]: "f32" }],
  ["f32 and halves", { [`${name}.safetensors`]: "f32", [`${name}.fp16.safetensors`]: "f16" }],
] as const)("%s: the same room", async (_, files) => {
  const folder = await folderWith(files);
  const work = { folder, steps: 10, prompts: [""], count: 1, batch: 1 };
  // Packed in f32 they take 4 MB: half as much again, or three times that, beside 1 GB.
  memory.available = 1e9 + 6e6;
  expect([await hasRoomToPack(folder), await compileMode(work)]).toEqual([false, "lean"]);
  memory.available += 1;
  expect([await hasRoomToPack(folder), await compileMode(work)]).toEqual([true, "lean"]);
  memory.available = 1e9 + 12e6;
  expect(await compileMode(work)).toBe("lean");
  memory.available += 1;
  expect(await compileMode(work)).toBe("fast");
});
