/** @file What a training computes with, where an engine is missing, broken or without a precision. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { describeOpenVino } from "../../tests/reference/engines.ts";
import { hasFastHalves } from "./engines/choose.ts";
import { openTrainingEngines } from "./training-engine.ts";

function emptyMachine(): string {
  const root = mkdtempSync(join(tmpdir(), "limn engines "));
  for (const name of ["LIMN_OPENVINO", "INTEL_OPENVINO_DIR"]) vi.stubEnv(name, "");
  vi.stubEnv("LIMN_DATA", root);
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(root, { recursive: true });
  });
  return root;
}

test("a broken OpenVINO is told and ONNX Runtime trains, but for who asks by name", async () => {
  const file = join(emptyMachine(), "libopenvino_c.so");
  writeFileSync(file, "broken");
  vi.stubEnv("LIMN_OPENVINO", file);
  const { engine, updating, precision, notes } = await openTrainingEngines("auto", "auto");
  expect([engine.name, updating.name, precision]).toEqual(["ort", "ort", "f32"]);
  expect(notes).toEqual([
    expect.stringMatching(
      /libopenvino_c.so cannot be loaded: .*; training with ONNX Runtime instead$/,
    ),
    expect.stringMatching(/^computing with ort [\d.]+ in f32$/),
  ]);
  await expect(openTrainingEngines("openvino", "f32")).rejects.toThrow("cannot be loaded");
});

test("ONNX Runtime has no bf16, and says so when asked", async () => {
  await expect(openTrainingEngines("ort", "bf16")).rejects.toThrow(
    "precision: the engine ort computes in f32 on this machine, not in bf16",
  );
});

describeOpenVino("training", ({ open }) => {
  test("gradients on OpenVINO, and updates beside it: ONNX Runtime's where they are not elementwise", async () => {
    const { engine, updating, precision } = await openTrainingEngines("auto", "auto");
    expect([engine.name, updating.name]).toEqual(["openvino", "ort"]);
    // A processor without instructions for bf16 computes it too, and slower than f32.
    const has = (await open()).precisions.includes("bf16") && hasFastHalves();
    expect(precision).toBe(has ? "bf16" : "f32");
  });
});
