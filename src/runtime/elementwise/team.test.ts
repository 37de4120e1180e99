/** @file Loops on several threads: the same numbers, sums to the bit, and no thread outlives its programs. */
import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { keyedRandom } from "../../base/index.ts";
import { graphOf, input } from "../../tensor/index.ts";
import { elementwiseEngine, ortEngine, value } from "../index.ts";

/** Enough that helpers are asked, in a dozen stretches, the last of them short. */
const length = 3_000_001;
const [x, g] = [input("x", [length]), input("g", [length])];
const moved = x.mul(0.9).add(g.mul(0.1));
const graph = graphOf({ x: moved, norm: moved.mul(moved).sum() });

/** What the graph makes of an array when it is computed in place again and again. */
async function run(threads: number, rounds: number) {
  const engine = elementwiseEngine(await ortEngine());
  const [own, gradient] = engine.reserve?.([length, length]) ?? [];
  own.set(keyedRandom(1, 0, 0).normal([length]).data);
  gradient.set(keyedRandom(2, 0, 0).normal([length]).data);
  await using program = await engine.compile(graph, { bind: () => ({ kind: "input" }), threads });
  const given = { x: value(own, [length]), g: value(gradient, [length]) };
  const norms: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const { norm } = await program.run(given, { into: { x: given.x } });
    norms.push(Number(norm.data[0]));
  }
  return { own, gradient, norms };
}

test("any number of threads computes the same, to the bit", async () => {
  const alone = await run(1, 10);
  for (const threads of [2, 3, 9]) {
    const { own, norms } = await run(threads, 10);
    expect(norms).toEqual(alone.norms);
    expect(bytesOf(own).equals(bytesOf(alone.own))).toBe(true);
  }
  const last = alone.own.reduce((sum, n) => sum + n * n, 0);
  expect(Math.abs(alone.norms[9] / last - 1)).toBeLessThan(1e-6);
});

test("each round counts once: no stretch is computed twice or left out", async () => {
  const { own, gradient } = await run(3, 1);
  const before = keyedRandom(1, 0, 0).normal([length]).data;
  const { fround } = Math;
  const wrong = own.findIndex(
    (n, i) => n !== fround(fround(before[i] * fround(0.9)) + fround(gradient[i] * fround(0.1))),
  );
  expect(wrong).toBe(-1);
});

const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
  Buffer.from(buffer, byteOffset, byteLength);

test("a run on several threads can be stopped, and done again", async () => {
  const engine = elementwiseEngine(await ortEngine());
  const arrays = engine.reserve?.([length, length]) ?? [];
  const [own, gradient] = arrays.map((array) => value(array.fill(1), [length]));
  const bind = () => ({ kind: "input" }) as const;
  await using program = await engine.compile(graph, { bind, threads: 3 });
  const given = { x: own, g: gradient };
  await program.run(given, { into: { x: own } });
  const stopping = new AbortController();
  const running = program.run(given, { into: { x: own }, signal: stopping.signal });
  stopping.abort();
  await expect(running).rejects.toThrow("abort");
  const { norm } = await program.run(given, { into: { x: own } });
  expect(Number(norm.data[0]) / length).toBeCloseTo(1, 5);
});

test("threads end with their programs, and a process that forgets them ends all the same", () => {
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
  const text = execFileSync(process.execPath, ["-e", script], {
    encoding: "utf8",
    timeout: 60_000,
  });
  const [kept, gone, sum] = JSON.parse(text) as number[];
  expect([kept, sum]).toEqual([0, 3]);
  expect(gone).toBeLessThanOrEqual(-2);
});
