/** @file Loops on several threads: the same numbers, sums to the bit, and no thread outlives its programs. */
import { execFileSync } from "node:child_process";
import { expect, onTestFinished, test, vi } from "vitest";
import { keyedRandom } from "../../base/index.ts";
import { graphOf, input } from "../../tensor/index.ts";
import { elementwiseEngine, ortEngine, value, type Program } from "../index.ts";
import { Hand } from "./stretch.ts";

const broken = vi.hoisted(() => ({ threads: false }));
vi.mock("../thread.node.ts", async (original) => {
  const real = await original<typeof import("../thread.node.ts")>();
  const startThread: typeof real.startThread = (module, task) =>
    real.startThread(broken.threads ? { ...module, name: "nothing" } : module, task);
  return { startThread };
});

/** Enough that helpers are asked, in a dozen stretches, the last of them short. */
const length = 3_000_001;
const [x, g] = [input("x", [length]), input("g", [length])];
const moved = x.mul(0.9).add(g.mul(0.1));
const graph = graphOf({ x: moved, norm: moved.mul(moved).sum() });
const bind = () => ({ kind: "input" }) as const;

const numbers = (key: number) => keyedRandom(key, 0, 0).normal([length]).data;

/** The graph's program, and arrays of its memory. */
async function open(threads: number) {
  const engine = elementwiseEngine(await ortEngine());
  const [own, gradient] = engine.reserve?.([length, length]) ?? [];
  own.set(numbers(1));
  gradient.set(numbers(2));
  const program = await engine.compile(graph, { bind, threads });
  const given = { x: value(own, [length]), g: value(gradient, [length]) };
  const run = async (one: Program = program, signal?: AbortSignal) => {
    const { norm } = await one.run(given, { into: { x: given.x }, ...(signal && { signal }) });
    return Number(norm.data[0]);
  };
  return { engine, program, own, run };
}

/** What the graph makes of the array so many times, in plain JavaScript. */
function plainly(rounds: number): { own: Float32Array; norms: number[] } {
  const { fround } = Math;
  const [own, gradient] = [numbers(1), numbers(2)];
  const [keep, add] = [fround(0.9), fround(0.1)];
  const norms: number[] = [];
  for (let round = 0; round < rounds; round++) {
    let sum = 0;
    for (let i = 0; i < length; i++) {
      own[i] = fround(fround(own[i] * keep) + fround(gradient[i] * add));
      sum += own[i] * own[i];
    }
    norms.push(sum);
  }
  return { own, norms };
}

const sameBytes = (a: Float32Array, b: Float32Array) =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  );

test("any number of threads computes the same, to the bit", async () => {
  const plain = plainly(5);
  const sums: number[][] = [];
  for (const threads of [1, 2, 3, 9]) {
    const { program, own, run } = await open(threads);
    const norms: number[] = [];
    for (let round = 0; round < 5; round++) norms.push(await run());
    await program[Symbol.asyncDispose]();
    expect(sameBytes(own, plain.own), `${threads} threads`).toBe(true);
    norms.forEach((norm, i) => expect(norm / plain.norms[i]).toBeCloseTo(1, 6));
    sums.push(norms);
  }
  for (const norms of sums) expect(norms).toEqual(sums[0]);
});

test("runs that are asked for at once follow each other, of two programs as well", async () => {
  const { engine, program, own, run } = await open(3);
  await using other = await engine.compile(graph, { bind, threads: 3 });
  const norms = await Promise.all([run(), run(other), run(), run(other)]);
  await program[Symbol.asyncDispose]();
  const plain = plainly(4);
  expect(sameBytes(own, plain.own)).toBe(true);
  norms.forEach((norm, i) => expect(norm / plain.norms[i]).toBeCloseTo(1, 6));
});

test("loops inside the memory and outside of it, in one run, each with its sum", async () => {
  const engine = elementwiseEngine(await ortEngine());
  const names = ["a", "b", "c", "d"];
  const outputs = names.map((name, i) => [name, input(name, [length + i]).mul(2)] as const);
  const sums = outputs.map(([name, y]) => [`sum ${name}`, y.sum()] as const);
  const both = graphOf(Object.fromEntries([...outputs, ...sums]));
  const inside = engine.reserve?.([length, length + 2]) ?? [];
  const arrays = [inside[0], new Float32Array(length + 1), inside[1], new Float32Array(length + 3)];
  arrays.forEach((array, i) => array.fill(i + 1));
  const given = Object.fromEntries(names.map((n, i) => [n, value(arrays[i], [length + i])]));
  await using program = await engine.compile(both, { bind, threads: 2 });
  const made = await program.run(given, { into: given });
  for (const [i, name] of names.entries()) {
    expect(arrays[i].every((n) => n === 2 * (i + 1))).toBe(true);
    expect(Number(made[`sum ${name}`].data[0]) / (2 * (i + 1) * (length + i))).toBeCloseTo(1, 6);
  }
});

test("helpers take a part of the stretches", async () => {
  const own = vi.spyOn(Hand.prototype, "run");
  onTestFinished(() => own.mockRestore());
  const all = 10 * Math.ceil(length / 2 ** 18);
  for (const threads of [1, 3]) {
    const { program, run } = await open(threads);
    own.mockClear();
    for (let round = 0; round < 10; round++) await run();
    await program[Symbol.asyncDispose]();
    if (threads === 1) expect(own).toHaveBeenCalledTimes(all);
    else expect(own.mock.calls.length).toBeLessThan(all);
  }
});

test.each([1, 3])("a run on %i threads can be stopped, and done again", async (threads) => {
  const { program, own, run } = await open(threads);
  await expect(run(program, AbortSignal.abort())).rejects.toThrow("abort");
  expect(sameBytes(own, numbers(1))).toBe(true);
  const stopping = new AbortController();
  const running = run(program, stopping.signal);
  setImmediate(() => stopping.abort()); // when this thread first looks at the event loop
  if (threads === 1) {
    await expect(running).rejects.toThrow("abort");
    expect(own.at(-1)).toBe(numbers(1).at(-1));
  } else await running.catch(() => undefined); // helpers may be done by then
  own.set(numbers(1));
  await run();
  await program[Symbol.asyncDispose]();
  expect(sameBytes(own, plainly(1).own)).toBe(true);
});

test("disposing waits for what runs; then nothing runs any more", async () => {
  const { program, own, run } = await open(2);
  const running = run();
  await program[Symbol.asyncDispose]();
  expect(await running).toBeGreaterThan(0);
  expect(sameBytes(own, plainly(1).own)).toBe(true);
  await expect(run()).rejects.toThrow("disposed");
  await program[Symbol.asyncDispose]();
});

test("where no thread can be started one thread computes", async () => {
  broken.threads = true;
  const { program, own, run } = await open(3);
  broken.threads = false;
  await run();
  await program[Symbol.asyncDispose]();
  expect(sameBytes(own, plainly(1).own)).toBe(true);
});

const onLinux = test.runIf(process.platform === "linux");

onLinux(
  "threads end with their programs, and a process that forgets them ends all the same",
  () => {
    const script = `
    const { createJiti } = require("jiti");
    (async () => {
      const jiti = createJiti(${JSON.stringify(import.meta.filename)});
      const { elementwiseEngine, ortEngine, value } = await jiti.import("../index.ts");
      const { graphOf, input } = await jiti.import("../../tensor/index.ts");
      const length = ${length};
      const graph = graphOf({ y: input("x", [length]).add(1) });
      const engine = elementwiseEngine(await ortEngine());
      const [own] = engine.reserve([length]).map((array) => value(array, [length]));
      const threads = () => require("node:fs").readdirSync("/proc/self/task").length;
      const open = () => engine.compile(graph, { bind: () => ({ kind: "input" }), threads: 3 });
      const run = (program) => program.run({ x: own }, { into: { y: own } });
      const [first, second] = [await open(), await open()];
      await run(first);
      const before = threads();
      await first[Symbol.asyncDispose]();
      await run(second);
      const between = threads();
      await second[Symbol.asyncDispose]();
      const after = threads();
      await run(await open());
      console.log(JSON.stringify([between - before, after - before, own.data.at(-1)]));
    })();`;
    const options = { encoding: "utf8", timeout: 60_000 } as const;
    const text = execFileSync(process.execPath, ["-e", script], options);
    const [kept, gone, sum] = JSON.parse(text) as number[];
    expect([kept, sum]).toEqual([0, 3]);
    expect(gone).toBeLessThanOrEqual(-2);
  },
);
