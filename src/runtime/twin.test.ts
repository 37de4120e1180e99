/** @file An f32 twin that cannot be made: who is at fault is told. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { EngineError, FormatError } from "../base/index.ts";
import { openSafetensors, writeSafetensors } from "../formats/index.ts";
import { graphOf, parameter } from "../tensor/index.ts";
import { widenBindings } from "./twin.node.ts";

const broken = vi.hoisted(() => ({ reading: false }));
vi.mock("../formats/index.ts", async (original) => {
  const real = await original<typeof import("../formats/index.ts")>();
  const readAsF32: typeof real.readAsF32 = (tensor) =>
    broken.reading
      ? Promise.reject(new FormatError("weights.safetensors ended while it was being read"))
      : real.readAsF32(tensor);
  return { ...real, readAsF32 };
});

async function widen(root: string): Promise<unknown> {
  const file = join(root, "weights.safetensors");
  const bits = Uint16Array.of(0x3c00);
  await writeSafetensors(file, [{ name: "w", dtype: "f16", shape: [1], data: bits }]);
  const offset = (await openSafetensors(file)).tensors.get("w")?.offset ?? 0;
  const w = parameter([1], { kind: "constant", value: 0 });
  w.path = "w";
  const bind = () => ({ kind: "file", file, offset, dtype: "f16" }) as const;
  return widenBindings(graphOf({ y: w.neg() }), bind).catch((error: unknown) => error);
}

test("a weight file that breaks off is not blamed on the cache, a cache without room is", async () => {
  const root = await mkdtemp(join(tmpdir(), "limn twin "));
  onTestFinished(() => rm(root, { recursive: true }));
  vi.stubEnv("LIMN_CACHE", join(root, "cache"));
  onTestFinished(() => void vi.unstubAllEnvs());
  broken.reading = true;
  expect(await widen(root)).toBeInstanceOf(FormatError);
  broken.reading = false;
  await writeFile(join(root, "full"), "no folder");
  vi.stubEnv("LIMN_CACHE", join(root, "full"));
  expect(await widen(root)).toBeInstanceOf(EngineError);
});
