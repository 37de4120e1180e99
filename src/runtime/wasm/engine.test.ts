/** @file The wasm engine in Node.js: bindings, memory that is given, turns, signals and disposal on a small graph. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { f32ToF16, openSafetensors, writeSafetensors } from "../../formats/index.ts";
import { graphOf, input, linear, parameter } from "../../tensor/index.ts";
import { value, wasmEngine, type Binding } from "../index.ts";
import { defaultThreads } from "./engine.ts";

function network() {
  const weight = parameter([2, 3], { kind: "constant", value: 0 });
  weight.path = "net.weight";
  const x = input("x", [1, 3]);
  return graphOf({ y: linear(x, weight), x });
}
const x = value([1, 2, 3], [1, 3]);
const weight = Float32Array.of(1, 0, 0, 0, 1, 1);
const array: Binding = { kind: "array", data: weight };

async function fileOf(dtype: "f32" | "f16"): Promise<Binding> {
  const file = join(await mkdtemp(join(tmpdir(), "limn ")), "weights.safetensors");
  const data = dtype === "f32" ? weight : f32ToF16(weight);
  await writeSafetensors(file, [
    { name: "before", dtype, shape: [6], data: data.map((n) => n + 1) },
    { name: "weight", dtype, shape: [2, 3], data },
  ]);
  const region = (await openSafetensors(file)).tensors.get("weight");
  return { kind: "file", file, offset: region?.offset ?? 0, dtype };
}

test.each([
  ["an array", () => array],
  ["a region of f32", () => fileOf("f32")],
  ["a region of f16", () => fileOf("f16")],
])("weights come from %s", async (_, place) => {
  const [engine, binding] = await Promise.all([wasmEngine(), place()]);
  for (const mode of ["lean", "fast"] as const) {
    await using program = await engine.compile(network(), { bind: () => binding, mode });
    expect([...(await program.run({ x })).y.data], mode).toEqual([1, 5]);
  }
});

test("a parameter bound as input is changed without recompiling", async () => {
  const engine = await wasmEngine();
  await using program = await engine.compile(network(), { bind: () => ({ kind: "input" }) });
  const run = (data: Float32Array) => program.run({ x, "net.weight": value(data, [2, 3]) });
  expect([...(await run(weight)).y.data]).toEqual([1, 5]);
  expect([...(await run(weight.map((n) => 2 * n))).y.data]).toEqual([2, 10]);
});

test("outputs are written into memory that is given, and an input may be handed on", async () => {
  const engine = await wasmEngine();
  await using program = await engine.compile(network(), { bind: () => array });
  const y = value(new Float32Array(2), [1, 2]);
  const results = await program.run({ x }, { into: { y } });
  expect(results.y).toBe(y);
  expect([...y.data]).toEqual([1, 5]);
  expect([...results.x.data]).toEqual([1, 2, 3]);
  const unfit = { y: value(new Float32Array(3), [1, 3]) };
  await expect(program.run({ x }, { into: unfit })).rejects.toThrow(
    "memory for output y is f32[1,3]",
  );
});

test("runs and compilations at once take turns", async () => {
  const engine = await wasmEngine();
  await using program = await engine.compile(network(), { bind: () => array });
  const runs = [1, 2, 3].map((n) => program.run({ x: value([n, 0, 0], [1, 3]) }));
  const other = engine.compile(network(), { bind: () => array });
  const firsts = (await Promise.all(runs)).map(({ y }) => y.data[0]);
  expect(firsts).toEqual([1, 2, 3]);
  await (await other)[Symbol.asyncDispose]();
});

test("a signal keeps a run from starting, and the program can be run again", async () => {
  const engine = await wasmEngine();
  await using program = await engine.compile(network(), { bind: () => array });
  const reason = new Error("enough");
  await expect(program.run({ x }, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  expect([...(await program.run({ x })).y.data]).toEqual([1, 5]);
});

test("a region beyond its file, and a graph that fails, are errors of the engine", async () => {
  const engine = await wasmEngine();
  const binding = await fileOf("f32");
  const beyond = { ...binding, offset: 1e6 } as Binding;
  await expect(engine.compile(network(), { bind: () => beyond })).rejects.toThrow("cut short");
});

test("a thread for each core, as far as anybody can tell", () => {
  expect([1, 2, 3, 8, 64].map(defaultThreads)).toEqual([1, 1, 2, 4, 8]);
});

test("without the package it says how to get it", async () => {
  vi.resetModules();
  vi.doMock("onnxruntime-web", () => {
    throw new Error("Cannot find package");
  });
  const { wasmEngine: missing } = await import("./engine.node.ts");
  await expect(missing()).rejects.toMatchObject({
    name: "EngineError",
    hint: "npm install onnxruntime-web",
  });
  vi.doUnmock("onnxruntime-web");
});
