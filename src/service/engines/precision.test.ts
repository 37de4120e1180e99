/** @file bf16 by measurement: an engine that errs by a known amount is taken or refused by that amount. */
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { RequestError } from "../../base/index.ts";
import { load, loadUnconditional } from "../../pipelines/index.ts";
import { ortEngine, type CompileOptions, type Engine } from "../../runtime/index.ts";
import { choosePrecision } from "./precision.ts";

let cache = "";
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), "limn precision "));
  vi.stubEnv("LIMN_CACHE", cache);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cache, { recursive: true });
});

/** ONNX Runtime whose bf16 is f32 with every number off by a share of itself: a ratio of −20 log₁₀(share) dB. */
async function erring(share: number) {
  const ort = await ortEngine();
  const compiled: CompileOptions["precision"][] = [];
  const engine: Engine = {
    ...{ name: "erring", version: "1", precisions: ["f32", "bf16"] },
    async compile(graph, { precision, ...options }) {
      compiled.push(precision);
      const program = await ort.compile(graph, options);
      return {
        async run(inputs, more) {
          const outputs = await program.run(inputs, more);
          const { output } = outputs;
          if (precision === "bf16" && output)
            for (let i = 0; i < output.data.length; i++)
              output.data[i] = Number(output.data[i]) * (1 + share);
          return outputs;
        },
        [Symbol.asyncDispose]: () => program[Symbol.asyncDispose](),
      };
    },
  };
  return { engine, compiled };
}

const sd1 = "tests/goldens/models/sd1";
async function decide(share: number, choice: "auto" | "f32" | "bf16" = "auto", fast = true) {
  const { engine, compiled } = await erring(share);
  const said: string[] = [];
  await using model = await load(sd1, { engine, threads: 1 });
  const precision = await choosePrecision(choice, model, { say: (text) => said.push(text), fast });
  return { precision, said, compiled };
}

test.each([
  [0.01, "bf16"], // 40 dB
  [0.0179, "f32"], // 34.9 dB
  [0.0176, "bf16"], // 35.1 dB
  [0, "bf16"],
])("an error of %f gives %s", async (share, wanted) => {
  expect((await decide(share)).precision).toBe(wanted);
});

test("numbers that are none in bf16 are a verdict, and kept", async () => {
  expect((await decide(Infinity)).precision).toBe("f32");
  expect((await decide(0.01)).said).toEqual([]);
});

test("[G13] it is measured once, said once, and kept", async () => {
  const first = await decide(0.01);
  expect(first.said).toEqual([expect.stringContaining("measuring")]);
  expect(first.compiled).toContain("bf16");
  const second = await decide(0.5); // nobody looks again
  expect([second.precision, second.said, second.compiled]).toEqual(["bf16", [], []]);
});

test("a torn verdict is measured anew", async () => {
  await decide(0.01);
  const folder = join(cache, "precision");
  for (const name of readdirSync(folder)) writeFileSync(join(folder, name), '{"rat');
  expect(await decide(0.1)).toMatchObject({ precision: "f32", said: [expect.anything()] });
});

test("a cache that cannot be written to costs nothing but the next measurement", async () => {
  writeFileSync(join(cache, "file"), "");
  vi.stubEnv("LIMN_CACHE", join(cache, "file"));
  expect((await decide(0.01)).precision).toBe("bf16");
});

test("where halves are not fast nothing is measured", async () => {
  expect(await decide(0.01, "auto", false)).toEqual({ precision: "f32", said: [], compiled: [] });
});

test("a precision that is named is taken without measuring, or refused", async () => {
  expect(await decide(1, "bf16")).toEqual({ precision: "bf16", said: [], compiled: [] });
  expect((await decide(0, "f32")).precision).toBe("f32");
  await using model = await load(sd1);
  const asked = choosePrecision("bf16", model, { say: () => undefined });
  await expect(asked).rejects.toThrow(RequestError);
  await expect(asked).rejects.toThrow(
    "precision: the engine ort computes in f32 on this machine, not in bf16",
  );
});

test("a measurement can be stopped, and leaves no verdict", async () => {
  const { engine } = await erring(0.01);
  await using model = await load(sd1, { engine, threads: 1 });
  const controller = new AbortController();
  const asked = choosePrecision("auto", model, {
    say: () => controller.abort(new Error("enough")),
    signal: controller.signal,
    fast: true,
  });
  await expect(asked).rejects.toThrow("enough");
  expect((await decide(0.01)).said).toHaveLength(1);
});

test("models without words are measured too", async () => {
  const { engine } = await erring(0.1);
  await using model = await loadUnconditional("tests/goldens/models/ddpm", { engine, threads: 1 });
  expect(await choosePrecision("auto", model, { say: () => undefined, fast: true })).toBe("f32");
});
