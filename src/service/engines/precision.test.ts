/** @file bf16 by measurement: an engine that errs by a known amount is taken or refused by that amount. */
import { createHash } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EngineError, RequestError } from "../../base/index.ts";
import { load, loadUnconditional, StableDiffusion } from "../../pipelines/index.ts";
import { ortEngine, type CompileOptions, type Engine, type Value } from "../../runtime/index.ts";
import type { Graph } from "../../tensor/index.ts";
import { describeOpenVinoBf16 } from "../../../tests/reference/engines.ts";
import { limnVersion } from "../folders.ts";
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

/** The outputs of the UNet, the text encoder and the decoder. */
type Output = "output" | "states" | "picture";

/**
 * ONNX Runtime whose bf16 is f32, with every number of one network's output off by a share of itself: a ratio of
 * −20 log₁₀(share) dB. `fault` may throw in place of a compilation in bf16.
 */
async function erring(share: number, at: Output = "output", fault = (_: Graph) => {}) {
  const ort = await ortEngine();
  const compiled: CompileOptions["precision"][] = [];
  const engine: Engine = {
    ...{ name: "erring", version: "1", precisions: ["f32", "bf16"] },
    async compile(graph, { precision, ...options }) {
      compiled.push(precision);
      if (precision === "bf16") fault(graph);
      const program = await ort.compile(graph, options);
      return {
        async run(inputs, more) {
          const outputs = await program.run(inputs, more);
          const found = outputs[at] as Value | undefined;
          if (precision === "bf16" && found)
            for (let i = 0; i < found.data.length; i++)
              found.data[i] = Number(found.data[i]) * (1 + share);
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
  return decideOn(await erring(share), choice, fast);
}

type Erring = Awaited<ReturnType<typeof erring>>;
async function decideOn(
  { engine, compiled }: Erring,
  choice: "auto" | "f32" | "bf16" = "auto",
  fast = true,
) {
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

// An error of the text comes through the UNet too: of 40 dB in the text, more than 35 are left there.
test.each([
  ["picture", 0.0179, "f32"],
  ["picture", 0.0176, "bf16"],
  ["states", 0.0179, "f32"],
  ["states", 0.01, "bf16"],
] as const)("an error of the %s of %f gives %s", async (at, share, wanted) => {
  expect((await decideOn(await erring(share, at))).precision).toBe(wanted);
});

test.each(["output", "picture", "states"] as const)(
  "numbers of the %s that are none in bf16 are a verdict, and kept",
  async (at) => {
    expect((await decideOn(await erring(Infinity, at))).precision).toBe("f32");
    expect((await decide(0.01)).said).toEqual([]);
  },
);

test("what befalls a measurement is told, gives f32 this time, and is no verdict", async () => {
  const troubled = await erring(0.01, "output", ({ outputs }) => {
    if (outputs.has("picture")) throw new EngineError("decoding needs 9 GB, 1 GB are free");
  });
  expect(await decideOn(troubled)).toMatchObject({
    precision: "f32",
    said: [
      expect.stringContaining("measuring"),
      "bf16 could not be measured, drawing in f32 this time: decoding needs 9 GB, 1 GB are free",
    ],
  });
  expect(await decide(0.01)).toMatchObject({ precision: "bf16", said: [expect.anything()] });
});

test("a verdict is of these very networks, and of nothing that was measured otherwise", async () => {
  await decide(0.01);
  const { engine } = await erring(0.1);
  await using model = await load(sd1, { engine, threads: 1 });
  const { parts, runner } = model;
  const vaeWeights = { ...parts.vaeWeights, identity: "another decoder" };
  const encoders = parts.encoders.map((encoder) => ({
    ...encoder,
    weights: { ...encoder.weights, identity: "another encoder" },
  }));
  for (const other of [{ vaeWeights }, { encoders }]) {
    const changed = new StableDiffusion({ ...parts, ...other }, runner);
    const said: string[] = [];
    const say = (text: string) => said.push(text);
    expect(await choosePrecision("auto", changed, { say, fast: true })).toBe("f32");
    expect(said).toHaveLength(1);
  }
  const named = readdirSync(join(cache, "precision"));
  const { name, version } = engine;
  const older = [parts.unetWeights.identity, name, version, limnVersion()].join("\n");
  const key = createHash("sha256").update(older).digest("hex").slice(0, 32);
  expect([named.length, named.includes(`${key}.json`)]).toEqual([3, false]);
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

describeOpenVinoBf16("the verdict on emblem", ({ open }) => {
  test("every network of it is exact enough", async () => {
    await using model = await load("models/emblem", { engine: await open() });
    const said: string[] = [];
    const say = (text: string) => said.push(text);
    expect(await choosePrecision("auto", model, { say, fast: true })).toBe("bf16");
    expect(said).toEqual([expect.stringContaining("measuring")]);
    const [name] = readdirSync(join(cache, "precision"));
    const verdict: unknown = JSON.parse(readFileSync(join(cache, "precision", name), "utf8"));
    const { ratio } = verdict as { ratio: number };
    expect(ratio).toBeGreaterThan(40); // 43.6 was measured, of the UNet
  });
});
