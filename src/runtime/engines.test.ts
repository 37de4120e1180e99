/** @file What every native engine keeps: bindings, disposal, stopping and both compile modes on small graphs. */
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { writeSafetensors, openSafetensors } from "../formats/index.ts";
import { graphOf, input, linear, parameter, silu } from "../tensor/index.ts";
import { describeEngines } from "../../tests/reference/engines.ts";
import { value, type Binding, type Value } from "./index.ts";

function network() {
  const weight = parameter([2, 3], { kind: "constant", value: 0 });
  weight.path = "net.weight";
  return graphOf({ y: linear(input("x", [1, 3]), weight) });
}
const x = value([1, 2, 3], [1, 3]);
const weight = Float32Array.of(1, 0, 0, 0, 1, 1);

describeEngines("the contract", ({ open }) => {
  test("a parameter bound as input is changed without recompiling", async () => {
    const engine = await open();
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
      const engine = await open();
      await using program = await engine.compile(network(), { bind: () => binding, mode });
      expect([...(await program.run({ x })).y.data]).toEqual([1, 5]);
    },
  );

  test("an f16 file is widened once and gives the same numbers", async () => {
    const folder = await mkdtemp(join(tmpdir(), "limn "));
    vi.stubEnv("LIMN_CACHE", join(folder, "cache"));
    onTestFinished(() => void vi.unstubAllEnvs());
    const file = join(folder, "weights.safetensors");
    const bits = Uint16Array.of(0x3c00, 0, 0, 0, 0x3c00, 0x3c00); // 1.0 is 0x3c00
    await writeSafetensors(file, [{ name: "weight", dtype: "f16", shape: [2, 3], data: bits }]);
    const region = (await openSafetensors(file)).tensors.get("weight");
    const binding: Binding = { kind: "file", file, offset: region?.offset ?? 0, dtype: "f16" };
    const engine = await open();
    for (const run of ["writes the twin", "finds the twin"]) {
      await using program = await engine.compile(network(), { bind: () => binding });
      expect([...(await program.run({ x })).y.data], run).toEqual([1, 5]);
    }
  });

  test("a missing or misshapen input and a disposed program are named", async () => {
    const engine = await open();
    const graph = graphOf({ y: silu(input("x", [2])) });
    const program = await engine.compile(graph, { bind: () => ({ kind: "input" }) });
    await expect(program.run({})).rejects.toThrow("input x is missing");
    await expect(program.run({ x: value([1, 2, 3], [3]) })).rejects.toThrow("f32[3], not f32[2]");
    await program[Symbol.asyncDispose]();
    await expect(program.run({ x: value([1, 2], [2]) })).rejects.toThrow("disposed");
  });

  test("arrays that are given again are read anew, others are not taken for them", async () => {
    const engine = await open();
    const graph = graphOf({ y: input("x", [3]).add(1) });
    await using program = await engine.compile(graph, { bind: () => ({ kind: "input" }) });
    const [a, b] = [value([1, 2, 3], [3]), value([10, 20, 30], [3])];
    const own = value([0, 0, 0], [3]);
    const run = async (x: Value, into?: Value) => {
      const { y } = await program.run({ x }, into ? { into: { y: into } } : {});
      return [...(y.data as Float32Array)];
    };
    expect(await run(a, own)).toEqual([2, 3, 4]);
    expect(await run(b)).toEqual([11, 21, 31]);
    expect([...(own.data as Float32Array)]).toEqual([2, 3, 4]);
    (a.data as Float32Array)[0] = 5;
    expect(await run(a, own)).toEqual([6, 3, 4]);
    expect(await run(a, own)).toEqual([6, 3, 4]);
    expect([...(own.data as Float32Array)]).toEqual([6, 3, 4]);
  });

  test("hundreds of runs may be asked for at once", async () => {
    const engine = await open();
    const graph = graphOf({ y: silu(input("x", [1])) });
    await using program = await engine.compile(graph, { bind: () => ({ kind: "input" }) });
    const runs = Array.from({ length: 600 }, (_, i) => program.run({ x: value([i], [1]) }));
    const results = await Promise.all(runs);
    for (const [i, { y }] of results.entries())
      expect(y.data[0]).toBeCloseTo(i / (1 + Math.exp(-i)), 3);
  });

  test("memory for an output must have the bytes of its shape, and a refusal harms nothing", async () => {
    const engine = await open();
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
    const engine = await open();
    const graph = graphOf({ y: silu(input("x", [2])) });
    const compiled = engine.compile(graph, { bind: () => ({ kind: "input" }), threads });
    await expect(compiled).rejects.toThrow("threads: must be a whole number between 1 and 512");
  });

  const slow = () => {
    let y = input("x", [1024, 1024]);
    for (let i = 0; i < 60; i++) y = y.matmul(y).mul(1e-3);
    return graphOf({ y });
  };

  test("a signal stops a run at once, and the program can be run again", async () => {
    const engine = await open();
    await using program = await engine.compile(slow(), { bind: () => ({ kind: "input" }) });
    const given = { x: value(new Float32Array(1024 * 1024), [1024, 1024]) };
    // Processor time, which other work on the machine does not lengthen.
    const since = (from: NodeJS.CpuUsage) => process.cpuUsage(from).user;
    let began = process.cpuUsage();
    await program.run(given);
    const whole = since(began);
    const controller = new AbortController();
    began = process.cpuUsage();
    const stopped = program.run(given, { signal: controller.signal });
    const queued = program.run(given, { signal: controller.signal });
    setTimeout(() => controller.abort(new Error("enough")), 5);
    const outcomes = await Promise.allSettled([stopped, queued]);
    for (const outcome of outcomes)
      expect(outcome).toMatchObject({ status: "rejected", reason: { message: "enough" } });
    expect(since(began)).toBeLessThan(whole / 2);
    expect((await program.run(given)).y.data[0]).toBe(0);
  });

  test("outputs go into the memory given for them, and an input may be an output", async () => {
    const engine = await open();
    const x = input("x", [2, 2]);
    const graph = graphOf({ same: x, twice: x.add(x), again: x, flat: x.reshape(4) });
    await using program = await engine.compile(graph, { bind: () => ({ kind: "input" }) });
    const twice = value(new Float32Array(4), [2, 2]);
    const out = await program.run({ x: value([1, 2, 3, 4], [2, 2]) }, { into: { twice } });
    expect(out.twice.data).toBe(twice.data);
    expect([...twice.data]).toEqual([2, 4, 6, 8]);
    for (const name of ["same", "again", "flat"]) expect([...out[name].data]).toEqual([1, 2, 3, 4]);
  });

  test("disposing waits for every run that was begun, and for what comes before it", async () => {
    const engine = await open();
    const angles = [0, 0.5, 1, 999];
    // A sine of inputs is computed apart from the rest where the rest has 16 bits.
    const graph = graphOf({
      y: input("x", [2, 2])
        .sin()
        .matmul(input("m", [2, 2])),
    });
    const given = { x: value(angles, [2, 2]), m: value([2, 0, 0, 2], [2, 2]) };
    for (const precision of engine.precisions) {
      const program = await engine.compile(graph, { bind: () => ({ kind: "input" }), precision });
      const runs = [1, 2, 3].map(() => program.run(given));
      await program[Symbol.asyncDispose]();
      for (const { y } of await Promise.all(runs))
        angles.forEach((angle, i) => expect(y.data[i]).toBeCloseTo(2 * Math.sin(angle), 2));
    }
  });

  test("a precision that an engine lacks is refused", async () => {
    const engine = await open();
    const graph = graphOf({ y: silu(input("x", [2])) });
    for (const precision of ["f32", "bf16"] as const) {
      const compiled = engine.compile(graph, { bind: () => ({ kind: "input" }), precision });
      if (engine.precisions.includes(precision)) await (await compiled)[Symbol.asyncDispose]();
      else
        await expect(compiled).rejects.toThrow(
          `precision: the engine ${engine.name} computes in f32`,
        );
    }
  });
});
