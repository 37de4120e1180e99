/** @file What is measured where engines are there, missing, or slow. */
import { expect, test } from "vitest";
import { EngineError, RequestError } from "../../base/index.ts";
import type { Engine, Precision } from "../../runtime/index.ts";
import type { Openers } from "../engines/table.ts";
import { planBench, sensibleThreads } from "./plan.ts";

const engine = (name: string, precisions: Precision[]): Engine => ({
  name,
  version: "1.0",
  precisions,
  compile: () => Promise.reject(new Error("nothing is compiled here")),
});
const opens = (name: string, ...precisions: Precision[]) => {
  return () => Promise.resolve(engine(name, precisions));
};
const missing = (hint: string) => () =>
  Promise.reject(new EngineError("it is not installed", { hint }));
const all: Openers = {
  openvino: opens("openvino", "f32", "bf16"),
  ort: opens("ort", "f32"),
  wasm: opens("wasm", "f32"),
};
const free = { engine: null, threads: null };
const shown = ({ settings }: Awaited<ReturnType<typeof planBench>>) =>
  settings.map(({ engine: name, precision, threads }) => `${name} ${precision} ${threads}`);

test("all processors and half of them", () => {
  expect([1, 2, 3, 8].map(sensibleThreads)).toEqual([[1], [2, 1], [3, 2], [8, 4]]);
});

test("every engine in each of its precisions, the most promising first; WebAssembly only by name", async () => {
  const plan = await planBench(free, all, 2);
  expect(shown(plan)).toEqual([
    "openvino bf16 2",
    "openvino bf16 1",
    "openvino f32 2",
    "openvino f32 1",
    "ort f32 2",
    "ort f32 1",
  ]);
  expect(plan.absent).toEqual([
    { engine: "wasm", reason: expect.stringContaining("--engine wasm") as string },
  ]);
  expect(shown(await planBench({ engine: "wasm", threads: [1] }, all, 2))).toEqual(["wasm f32 1"]);
});

test("what is not there is told with its reason, and WebAssembly steps in for all", async () => {
  const openvino = missing("install it");
  const plan = await planBench(free, { ...all, openvino }, 2);
  expect(shown(plan)).toEqual(["ort f32 2", "ort f32 1"]);
  expect(plan.absent[0]).toEqual({
    engine: "openvino",
    reason: "it is not installed (install it)",
  });
  const bare = await planBench(free, { ...all, openvino, ort: missing("npm") }, 1);
  expect(shown(bare)).toEqual(["wasm f32 1"]);
  const none = await planBench({ engine: "openvino", threads: null }, { ...all, openvino }, 1);
  expect([shown(none), none.absent.length]).toEqual([[], 1]);
});

test("threads that this machine has no use for are refused", async () => {
  await expect(planBench({ engine: null, threads: [100_000] }, all, 2)).rejects.toThrow(
    RequestError,
  );
});
