/** @file The rows of the engines against the engines themselves, as far as this machine has them. */
import { describe, expect, test, vi } from "vitest";
import { EngineError } from "../../base/index.ts";
import type { Engine } from "../../runtime/index.ts";
import {
  engineNames,
  engineOrder,
  engineTable,
  isNowhere,
  trainingNames,
  usualEngine,
} from "./table.ts";

test("ranks are an order, and one engine is the usual one", () => {
  expect(engineOrder.map((name) => engineTable[name].rank)).toEqual(
    engineOrder.map((_, i) => i + 1),
  );
  const standings = engineNames.map((name) => engineTable[name].standing);
  expect(standings.filter((standing) => standing === "usual")).toEqual(["usual"]);
  expect(engineTable[usualEngine].standing).toBe("usual");
  // Other engines are held against its exact pictures, and bf16 is never the only choice.
  for (const name of engineNames) expect(engineTable[name].precisions).toContain("f32");
  expect(trainingNames).not.toContain("wasm");
});

describe.each(engineNames)("%s", (name) => {
  test("is what its row says, or fails as an engine that is not there", async () => {
    const { open, locate, precisions } = engineTable[name];
    const engine = await open().catch((error: unknown) => error as EngineError);
    if (engine instanceof Error) return void expect(engine).toBeInstanceOf(EngineError);
    expect((engine satisfies Engine).name).toBe(name);
    expect(precisions).toEqual(expect.arrayContaining([...engine.precisions]));
    expect((await locate())?.source).toEqual(expect.any(String));
    expect(await isNowhere(name)).toBe(false);
  });
});

test("a place that was named and has no engine is not nowhere", async () => {
  vi.stubEnv("LIMN_OPENVINO", "/nonexistent");
  expect(await isNowhere("openvino").finally(() => vi.unstubAllEnvs())).toBe(false);
});
