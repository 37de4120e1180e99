/** @file Loops over arrays against plain JavaScript and ONNX Runtime: the arithmetic, the sums, and where arrays may lie. */
import { expect, test } from "vitest";
import { keyedRandom } from "../../base/index.ts";
import { graphOf, input, scalar, type Graph, type Tensor } from "../../tensor/index.ts";
import { elementwiseEngine, ortEngine, value, type Value } from "../index.ts";

const bind = () => ({ kind: "input" }) as const;
/** Longer than one piece of an array from outside, and no multiple of four. */
const long = 20_003;
const numbers = (key: number, length = long) => keyedRandom(key, 0, 0).normal([length]).data;
const x = input("x", [long]);
const y = input("y", [long]);
const s = input("s", []);
const inputs = { x: value(numbers(1), [long]), y: value(numbers(2), [long]), s: value([0.3], []) };

async function both(graph: Graph, given: Readonly<Record<string, Value>>) {
  const ort = await ortEngine();
  await using theirs = await ort.compile(graph, { bind });
  await using ours = await elementwiseEngine(ort).compile(graph, { bind });
  expect(ours.inPlace, "computed in loops").toBe(true);
  return { theirs: await theirs.run(given), ours: await ours.run(given) };
}

test.each<[string, Tensor]>([
  ["sum", x.add(y)],
  ["difference", x.sub(y)],
  ["product", x.mul(y)],
  ["quotient", x.div(y)],
  ["lesser", x.min(y)],
  ["greater", x.max(y)],
  ["magnitude", x.abs()],
  ["negative", x.neg()],
  ["root", x.abs().sqrt()],
  ["a number of the run and one of the graph", x.mul(s).add(0.1).div(scalar(2).sub(s))],
])("%s, to the bit", async (_, z) => {
  const { theirs, ours } = await both(graphOf({ z }), inputs);
  expect(ours.z.data).toEqual(theirs.z.data);
});

test.each([4, 5, 6, 7, 8191, 8192, 8193])("a sum over %i numbers", async (length) => {
  const [a, data] = [input("a", [length]), numbers(length, length)];
  // Numbers around 1: what lies beyond the last would be seen.
  const graph = graphOf({ total: a.mul(a).add(1).sum(), shifted: a.add(1) });
  await using program = await elementwiseEngine(await ortEngine()).compile(graph, { bind });
  const { total, shifted } = await program.run({ a: value(data, [length]) });
  const exact = data.reduce((sum, n) => sum + Math.fround(Math.fround(n * n) + 1), 0);
  expect(Math.abs(Number(total.data[0]) / exact - 1)).toBeLessThan(1e-7);
  expect(shifted.data).toEqual(data.map((n) => n + 1));
});

test("what needs a sum waits for it, over arrays of several sizes", async () => {
  const [a, b] = [input("a", [3, 5]), input("b", [7])];
  const norm = a.mul(a).sum().add(b.mul(b).sum()).sqrt();
  const graph = graphOf({ norm, a: a.div(norm), b: b.div(norm), again: b.div(norm).abs().sum() });
  const given = { a: value(numbers(3, 15), [3, 5]), b: value(numbers(4, 7), [7]) };
  const { theirs, ours } = await both(graph, given);
  for (const name of ["norm", "a", "b", "again"])
    [...(ours[name].data as Float32Array)].forEach((n, i) =>
      expect(n).toBeCloseTo(Number(theirs[name].data[i]), 6),
    );
});

test("an input handed on, one result under two names, and the same sum twice", async () => {
  const z = x.add(y);
  const graph = graphOf({ x, one: z, two: z, sum: x.sum(), same: x.sum() });
  const { theirs, ours } = await both(graph, inputs);
  for (const name of ["x", "one", "two"]) expect(ours[name].data).toEqual(theirs[name].data);
  expect(Number(ours.sum.data[0])).toBeCloseTo(Number(theirs.sum.data[0]), 2);
  expect(ours.same.data).toEqual(ours.sum.data);
});

test("arrays of its own memory are computed where they are, others are left alone", async () => {
  const engine = elementwiseEngine(await ortEngine());
  const [inside = new Float32Array()] = engine.reserve?.([long]) ?? [];
  inside.set(inputs.x.data as Float32Array);
  const before = inside.slice();
  await using program = await engine.compile(graphOf({ next: x.add(y.mul(s)) }), { bind });
  const own = value(inside, [long]);
  const { next } = await program.run({ ...inputs, x: own }, { into: { next: own } });
  expect(next.data).toBe(inside);
  const s32 = Number(inputs.s.data[0]);
  const expected = before.map((n, i) => n + Math.fround(Number(inputs.y.data[i]) * s32));
  expect(inside).toEqual(expected);
  expect(inputs.y.data).toEqual(numbers(2));
});

test("more memory than there can be is refused, and arrays still are computed", async () => {
  const engine = elementwiseEngine(await ortEngine());
  expect(engine.reserve?.([2 ** 30])).toBeNull();
  await using program = await engine.compile(graphOf({ z: x.add(y) }), { bind });
  const { z } = await program.run(inputs);
  const [a, b] = [numbers(1), numbers(2)];
  expect(z.data).toEqual(a.map((n, i) => n + b[i]));
});

test("only a plan that reads each array for the last time where it may be overwritten is in place", async () => {
  const engine = elementwiseEngine(await ortEngine());
  const inPlace = async (graph: Graph) => {
    await using program = await engine.compile(graph, { bind });
    return program.inPlace;
  };
  expect(await inPlace(graphOf({ a: x.add(1), b: y.mul(s) }))).toBe(true);
  expect(await inPlace(graphOf({ norm: x.sum(), a: x.div(x.sum()) }))).toBe(true);
  expect(await inPlace(graphOf({ a: x.add(1), b: x.mul(y.sum()) }))).toBe(false);
});

test("a part of its memory that is no array of its own is not written past its end", async () => {
  const engine = elementwiseEngine(await ortEngine());
  const [all = new Float32Array()] = engine.reserve?.([8]) ?? [];
  const part = all.subarray(0, 5);
  const a = input("a", [5]);
  await using program = await engine.compile(graphOf({ a: a.add(1) }), { bind });
  await program.run({ a: value([1, 2, 3, 4, 5], [5]) }, { into: { a: value(part, [5]) } });
  expect([...all]).toEqual([2, 3, 4, 5, 6, 0, 0, 0]);
});

test("the event loop turns while long arrays are computed, and a run can be stopped there", async () => {
  const length = 2 ** 23;
  const a = input("a", [length]);
  await using program = await elementwiseEngine(await ortEngine()).compile(
    graphOf({ a: a.add(1) }),
    { bind },
  );
  const stopping = new AbortController();
  setImmediate(() => stopping.abort());
  const given = { a: value(new Float32Array(length), [length]) };
  await expect(program.run(given, { signal: stopping.signal })).rejects.toThrow("abort");
});

/** Outputs that all read one input. */
const many = (count: number, of: (i: number) => Tensor) =>
  graphOf(Object.fromEntries(Array.from({ length: count }, (_, i) => [`z${i}`, of(i)])));

test.each<[string, Graph]>([
  ["more arrays than a loop can have", many(33, (i) => x.mul(i))],
  ["more sums than a loop can have", many(33, (i) => x.mul(i).sum())],
  ["a product of matrices", graphOf({ z: input("m", [2, 2]).matmul(input("m2", [2, 2])) })],
  ["a sum over one axis", graphOf({ z: input("m", [2, 2]).sum([0]) })],
  ["rows beside columns", graphOf({ z: input("r", [1, 3]).mul(input("c", [3, 1])) })],
  ["whole numbers", graphOf({ z: input("i", [4], "i64").add(input("j", [4], "i64")) })],
])("%s goes to the other engine", async (_, graph) => {
  const ort = await ortEngine();
  await using program = await elementwiseEngine(ort).compile(graph, { bind });
  expect(program.inPlace).toBeUndefined();
});

test("a run that is stopped says so, and an input that does not fit is named", async () => {
  const graph = graphOf({ z: x.add(y) });
  await using program = await elementwiseEngine(await ortEngine()).compile(graph, { bind });
  await expect(program.run(inputs, { signal: AbortSignal.abort() })).rejects.toThrow("abort");
  await expect(program.run({ x: inputs.x })).rejects.toThrow("input y is missing");
  const short = { ...inputs, y: value([1, 2, 3], [3]) };
  await expect(program.run(short)).rejects.toThrow("input y is f32[3]");
});
