/** @file The table of deviations names what there is, every case is compared or named in it, and what is not named fails. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as models from "../src/models/index.ts";
import { ortEngine, type Value } from "../src/runtime/index.ts";
import { embeddedModels, otherModels, readCases } from "./networks.cases.ts";
import { deviationOf, deviations } from "./reference/deviations.ts";
import { evaluateOn } from "./reference/evaluate.ts";
import { cases, numbersOf, tolerance } from "./reference/golden-ops.ts";
import { checkOpCase, type Evaluate } from "./reference/op-case.ts";

const roots = ["tests/goldens", process.env.LIMN_GOLDENS ?? ""].filter(Boolean);
const modelsIn = (root: string) =>
  readdirSync(join(root, "networks"))
    .filter((name) => name.endsWith(".json"))
    .map((name) => name.slice(0, -".json".length));

test("every row names a case, and has a reason and a row of its own", () => {
  const known = new Set(cases.map(({ name }) => `ops/${name}`));
  for (const root of roots)
    for (const model of modelsIn(root))
      for (const { name } of readCases(root, model)) known.add(`networks/${model}/${name}`);
  const outside = [...otherModels, "controlnet"].map((model) => `networks/${model}/`);
  for (const { case: name, reason } of deviations) {
    expect(reason).not.toBe("");
    // The folder of all goldens is not everywhere.
    if (roots.length === 1 && outside.some((prefix) => name.startsWith(prefix))) continue;
    expect([...known]).toContain(name);
  }
  const keys = deviations.map((one) => [one.engine, one.precision, one.case].join());
  expect(new Set(keys).size).toBe(keys.length);
});

test.each(roots)("every network of %s is compared, or named as absent", (root) => {
  const compared = new Set([...embeddedModels, ...otherModels]);
  for (const model of modelsIn(root).filter((name) => !compared.has(name)))
    for (const { name } of readCases(root, model))
      expect(deviationOf({ engine: "any" }, `networks/${model}/${name}`), name).toMatchObject({
        allowed: "absent",
      });
  for (const model of embeddedModels)
    expect(existsSync(`tests/goldens/networks/${model}.json`)).toBe(true);
});

test("what is named as absent is absent", () => {
  const absent = deviations.filter(({ allowed }) => allowed === "absent");
  expect(absent.map((one) => one.case.split("/")[1])).toEqual(["controlnet", "controlnet"]);
  expect(Object.keys(models).filter((name) => /control/i.test(name))).toEqual([]);
});

describe("a number that is off, and not named, fails", () => {
  const floats = ({ dtype, size }: { dtype: string; size: number }) => dtype === "f32" && size > 0;
  const every = 8; // a share of the cases: each is computed once for each of its tensors
  test.each(cases.filter((_, i) => i % every === 0).map((one) => [one.name, one] as const))(
    "%s",
    async (_, one) => {
      const evaluate = evaluateOn(await ortEngine());
      const numbers = await numbersOf(one);
      let kept: Promise<Record<string, Value>> | null = null;
      const check = (spoil: string | null) => {
        const spoiled: Evaluate = async (outputs, inputs) => {
          const results = await (kept ??= evaluate(outputs, inputs));
          if (spoil === null) return results;
          const { shape, dtype } = results[spoil];
          const data = Float32Array.from(results[spoil].data as Float32Array);
          data[data.length - 1] +=
            2 * (tolerance.absolute + tolerance.relative * Math.abs(data[data.length - 1]));
          return { ...results, [spoil]: { shape, dtype, data } };
        };
        return checkOpCase(one, numbers, { evaluate: spoiled, tolerance });
      };
      expect(await check(null)).toBeGreaterThan(0);
      const names = [
        ...Object.keys(one.outputs),
        ...Object.keys(one.grads).map((key) => `grad:${key}`),
      ];
      for (const name of names) {
        const { dtype, data } = (await (kept as unknown as Promise<Record<string, Value>>))[name];
        if (floats({ dtype, size: data.length }))
          await expect(check(name)).rejects.toThrow("PyTorch says");
      }
    },
  );
});
