/** @file What 16 bits would spoil is found, and computed in f32. */
import { expect, test } from "vitest";
import { describeOpenVino } from "../../../tests/reference/engines.ts";
import { graphOf, input, linear, parameter, Parameter } from "../../tensor/index.ts";
import { exactPart } from "./exact-part.ts";
import { value } from "../index.ts";

function weight(path: string): Parameter {
  const made = parameter([8, 8], { kind: "constant", value: 0 });
  made.path = path;
  return made;
}

/** Sinusoids of time steps on the way into a network, as every UNet has them, and that network's own sinusoid. */
function network() {
  const t = input("t", [4, 1]);
  const x = input("x", [4, 8]);
  const sinusoids = t.mul(input("frequencies", [1, 8])).sin();
  const inner = linear(sinusoids, weight("a")).add(x);
  const y = linear(inner.sin(), weight("b"));
  const row = input("ids", [4, 9], "i64").cast("f32").argMax(1);
  return { sinusoids, row, graph: graphOf({ y: linear(y, weight("c")), row }) };
}

test("it is what inputs alone make by way of an op that needs digits, and no more", () => {
  const { sinusoids, row, graph } = network();
  expect([...exactPart(graph)].sort(([, a], [, b]) => a.localeCompare(b))).toEqual([
    [sinusoids, "exact:0"],
    [row, "exact:1"],
  ]);
  const x = input("x", [2]);
  expect(exactPart(graphOf({ y: x.mul(2).exp() })).size).toBe(0);
});

describeOpenVino("bf16", ({ open }) => {
  test("late time steps and large ids keep their digits", async () => {
    const engine = await open();
    if (!engine.precisions.includes("bf16")) return;
    const { graph } = network();
    const numbers = (count: number, of: (i: number) => number) =>
      Float32Array.from({ length: count }, (_, i) => of(i));
    const matrix = (phase: number) =>
      value(
        numbers(64, (i) => Math.sin(i * i + phase)),
        [8, 8],
      );
    const ids = Array.from({ length: 36 }, (_, i) => 49400 + ((i * 5) % 9));
    const inputs = {
      t: value([999, 777, 501, 333], [4, 1]),
      frequencies: value(
        numbers(8, (i) => 10_000 ** (-i / 8)),
        [1, 8],
      ),
      x: value(
        numbers(32, (i) => Math.cos(i) / 4),
        [4, 8],
      ),
      ids: value(ids, [4, 9], "i64"),
      ...{ a: matrix(1), b: matrix(2), c: matrix(3) },
    };
    const run = async (precision: "f32" | "bf16") => {
      const bind = () => ({ kind: "input" }) as const;
      await using program = await engine.compile(graph, { bind, precision });
      return await program.run(inputs);
    };
    const [exact, rounded] = [await run("f32"), await run("bf16")];
    expect(rounded.row.data).toEqual(exact.row.data);
    const [a, b] = [exact.y.data, rounded.y.data].map((data) => [...(data as Float32Array)]);
    const signal = a.reduce((sum, v) => sum + v * v, 0);
    const noise = a.reduce((sum, v, i) => sum + (v - b[i]) ** 2, 0);
    expect(noise).toBeGreaterThan(0); // it does compute in 16 bits
    expect(10 * Math.log10(signal / noise)).toBeGreaterThan(35);
  });
});
