/** @file Every operation and its gradient against PyTorch 2.9, on any engine: the cases of goldens/ops, all of them. */
import { describe, expect, test } from "vitest";
import type { Engine } from "../src/runtime/index.ts";
import { deviationOf } from "./reference/deviations.ts";
import { evaluateOn } from "./reference/evaluate.ts";
import { cases, numbersOf, tolerance } from "./reference/golden-ops.ts";
import { checkOpCase } from "./reference/op-case.ts";

/** Adds one test for each case; one that is known to deviate must do so, lest its excuse outlive it. */
export function testOps(engineName: string, open: () => Promise<Engine>): void {
  const seen = new Map<string, number>();
  const excuse = ({ name }: { name: string }) =>
    deviationOf({ engine: engineName }, `ops/${name}`)?.reason ?? null;
  const expected = cases.filter((one) => excuse(one) === null);
  describe(`ops as PyTorch computes them, on ${engineName}`, () => {
    test.each(expected.map((c) => [c.name, c] as const))("%s", async (name, one) => {
      const evaluate = evaluateOn(await open());
      seen.set(name, await checkOpCase(one, await numbersOf(one), { evaluate, tolerance }));
    });

    for (const one of cases.filter((c) => excuse(c) !== null))
      test(`${one.name} deviates: ${excuse(one)}`, async () => {
        const evaluate = evaluateOn(await open());
        const checked = checkOpCase(one, await numbersOf(one), { evaluate, tolerance });
        await expect(checked).rejects.toThrow();
      });

    test("all cases and all their tensors were compared", () => {
      expect(cases.length).toBe(228);
      expect([...seen.keys()]).toEqual(expected.map((c) => c.name));
      const tensors = expected.map(
        (c) => Object.keys(c.outputs).length + Object.keys(c.grads).length,
      );
      expect([...seen.values()]).toEqual(tensors);
    });
  });
}
