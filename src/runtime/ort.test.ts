/** @file The ONNX Runtime engine: bindings, disposal and both compile modes on a small graph. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { writeSafetensors, openSafetensors } from "../formats/index.ts";
import { graphOf, input, linear, parameter, silu } from "../tensor/index.ts";
import { ortEngine, value, type Binding } from "./index.ts";

function network() {
  const weight = parameter([2, 3], { kind: "constant", value: 0 });
  weight.path = "net.weight";
  return graphOf({ y: linear(input("x", [1, 3]), weight) });
}
const x = value([1, 2, 3], [1, 3]);
const weight = Float32Array.of(1, 0, 0, 0, 1, 1);

test("a parameter bound as input is changed without recompiling", async () => {
  const engine = await ortEngine();
  await using program = await engine.compile(network(), { bind: () => ({ kind: "input" }) });
  const first = await program.run({ x, "net.weight": value(weight, [2, 3]) });
  const second = await program.run({
    x,
    "net.weight": value(
      weight.map((n) => 2 * n),
      [2, 3],
    ),
  });
  expect([...first.y.data]).toEqual([1, 5]);
  expect([...second.y.data]).toEqual([2, 10]);
});

test.each(["lean", "fast"] as const)(
  "a parameter bound to a file region is read (%s)",
  async (mode) => {
    const folder = await mkdtemp(join(tmpdir(), "limn "));
    const file = join(folder, "weights.safetensors");
    await writeSafetensors(file, [{ name: "weight", dtype: "f32", shape: [2, 3], data: weight }]);
    const region = (await openSafetensors(file)).tensors.get("weight");
    const binding: Binding = { kind: "file", file, offset: region?.offset ?? 0, dtype: "f32" };
    const engine = await ortEngine();
    await using program = await engine.compile(network(), { bind: () => binding, mode });
    expect([...(await program.run({ x })).y.data]).toEqual([1, 5]);
  },
);

test("an f16 file is widened once and gives the same numbers", async () => {
  const folder = await mkdtemp(join(tmpdir(), "limn "));
  process.env.LIMN_CACHE = join(folder, "cache");
  const file = join(folder, "weights.safetensors");
  const bits = Uint16Array.of(0x3c00, 0, 0, 0, 0x3c00, 0x3c00); // 1.0 is 0x3c00
  await writeSafetensors(file, [{ name: "weight", dtype: "f16", shape: [2, 3], data: bits }]);
  const region = (await openSafetensors(file)).tensors.get("weight");
  const binding: Binding = { kind: "file", file, offset: region?.offset ?? 0, dtype: "f16" };
  const engine = await ortEngine();
  for (const run of ["writes the twin", "finds the twin"]) {
    await using program = await engine.compile(network(), { bind: () => binding });
    expect([...(await program.run({ x })).y.data], run).toEqual([1, 5]);
  }
});

test("a missing or misshapen input and a disposed program are named", async () => {
  const engine = await ortEngine();
  const graph = graphOf({ y: silu(input("x", [2])) });
  const program = await engine.compile(graph, { bind: () => ({ kind: "input" }) });
  await expect(program.run({})).rejects.toThrow("input x is missing");
  await expect(program.run({ x: value([1, 2, 3], [3]) })).rejects.toThrow("f32[3], not f32[2]");
  await program[Symbol.asyncDispose]();
  await expect(program.run({ x: value([1, 2], [2]) })).rejects.toThrow("disposed");
});

test("hundreds of runs may be asked for at once", async () => {
  const engine = await ortEngine();
  const graph = graphOf({ y: silu(input("x", [1])) });
  await using program = await engine.compile(graph, { bind: () => ({ kind: "input" }) });
  const runs = Array.from({ length: 600 }, (_, i) => program.run({ x: value([i], [1]) }));
  const results = await Promise.all(runs);
  for (const [i, { y }] of results.entries())
    expect(y.data[0]).toBeCloseTo(i / (1 + Math.exp(-i)), 3);
});

test("memory for an output must have the bytes of its shape, and a refusal harms nothing", async () => {
  const engine = await ortEngine();
  const graph = graphOf({ y: silu(input("x", [2])) });
  await using program = await engine.compile(graph, { bind: () => ({ kind: "input" }) });
  const x = value([1, 2], [2]);
  const into = { y: { dtype: "f32", shape: [2], data: new Float32Array(1) } } as const;
  await expect(program.run({ x }, { into })).rejects.toThrow(
    "memory for output y has 4 bytes, not 8",
  );
  expect((await program.run({ x })).y.data[1]).toBeCloseTo(2 / (1 + Math.exp(-2)), 5);
});

test.each([0, 1.5, 99_999])("%s threads are refused before any is started", async (threads) => {
  const engine = await ortEngine();
  const graph = graphOf({ y: silu(input("x", [2])) });
  const compiled = engine.compile(graph, { bind: () => ({ kind: "input" }), threads });
  await expect(compiled).rejects.toThrow("threads: must be a whole number between 1 and 512");
});
