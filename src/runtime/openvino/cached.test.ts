/** @file OpenVINO's models on disk: the same numbers from there, and nothing but those whatever happened to the files. */
import {
  chmodSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import * as fs from "node:fs/promises";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { describeOpenVino } from "../../../tests/reference/engines.ts";
import { EngineError } from "../../base/index.ts";
import { openSafetensors, writeSafetensors } from "../../formats/index.ts";
import { conv, graphOf, input, parameter, silu, type Parameter } from "../../tensor/index.ts";
import { ortEngine, value, type Binding, type CompileOptions } from "../index.ts";
import { OpenVinoApi } from "./api.node.ts";

vi.mock("node:fs/promises", async (original) => ({ ...(await original<typeof fs>()) }));

let cache = "";
let weights = "";
const numbers = Float32Array.from({ length: 4 * 4 * 9 }, (_, i) => Math.sin(i));
const bits = async (scale: number) => {
  const data = numbers.map((x) => scale * x);
  await writeSafetensors(weights, [{ name: "w", dtype: "f32", shape: [4, 4, 3, 3], data }]);
};
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "limn kept "));
  vi.stubEnv("LIMN_CACHE", cache);
  weights = join(cache, "weights.safetensors");
  await bits(1);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  await rm(cache, { recursive: true });
});

/** silu(conv(a)) − b: two inputs of one shape, which must not change places. */
function network() {
  const weight: Parameter = parameter([4, 4, 3, 3], { kind: "constant", value: 0 });
  weight.path = "w";
  const [a, b] = [input("a", [1, 4, 6, 6]), input("b", [1, 4, 6, 6])];
  return graphOf({ y: silu(conv(a, weight, null, { padding: 1 })).sub(b) });
}
const filled = (from: number) =>
  value(
    Float32Array.from({ length: 144 }, (_, i) => Math.cos(from + i)),
    [1, 4, 6, 6],
  );
const inputs = { a: filled(0), b: filled(7) };
const folders = () =>
  readdirSync(join(cache, "compiled")).map((name) => join(cache, "compiled", name));
const blobIn = (folder: string) =>
  join(folder, readdirSync(folder).find((name) => name.endsWith(".blob")) ?? "");

describeOpenVino("models on disk", ({ open }) => {
  async function run(options: Partial<CompileOptions> = {}): Promise<number[]> {
    const engine = await open();
    const offset = (await openSafetensors(weights)).tensors.get("w")?.offset ?? 0;
    const binding: Binding = { kind: "file", file: weights, offset, dtype: "f32" };
    await using program = await engine.compile(network(), {
      bind: () => binding,
      cache: "disk",
      threads: 1,
      ...options,
    });
    return [...(await program.run(inputs)).y.data] as number[];
  }

  test("the second time it is taken from there, to the same bits", async () => {
    const plain = await run({ cache: "none" });
    const first = await run();
    const [folder, ...more] = folders();
    expect(more).toEqual([]);
    const { mtimeMs, ino } = statSync(blobIn(folder));
    expect(readdirSync(folder).filter((name) => name.endsWith(".data"))).toEqual([]); // no weights twice
    expect([first, await run()]).toEqual([plain, plain]);
    expect(folders()).toEqual([folder]);
    expect(statSync(blobIn(folder))).toMatchObject({ mtimeMs, ino });
  });

  test("other weights under the same name, another precision, another number of threads: another model", async () => {
    const before = await run();
    await bits(2);
    expect(await run()).toEqual(await run({ cache: "none" }));
    expect(await run()).not.toEqual(before);
    const count = folders().length;
    expect(count).toBe(2);
    await run({ threads: 2 });
    const precisions = (await open()).precisions;
    for (const precision of precisions) await run({ precision });
    expect(folders().length).toBe(2 + precisions.length);
  });

  const harm: readonly (readonly [string, (blob: string) => void])[] = [
    ["cut short", (blob) => truncateSync(blob, 300)],
    ["empty", (blob) => truncateSync(blob, 0)],
    [
      "of another version",
      (blob) => rewrite(blob, (text) => text.replace(/ie_version="\d{4}/, 'ie_version="1999')),
    ],
    [
      "of another file",
      (blob) => rewrite(blob, (text) => text.replace(/file_info="\d/, 'file_info="x')),
    ],
    ["no model", (blob) => rewrite(blob, (text) => "x".repeat(text.length))],
    ["gone", (blob) => rmSync(blob)],
  ];
  test.each(harm)("a file that is %s is made anew", async (_, hurt) => {
    const first = await run();
    hurt(blobIn(folders()[0]));
    expect(await run()).toEqual(first);
    // Whether it was made anew at once or the next time: then it is whole.
    expect([await run(), await run()]).toEqual([first, first]);
    expect(folders().length).toBe(1);
  });

  test("two that compile the same at once get the same numbers", async () => {
    const all = await Promise.all([run(), run(), run()]);
    const plain = await run({ cache: "none" });
    expect(all).toEqual([plain, plain, plain]);
    expect(folders().length).toBe(1);
  });

  test("without room, without a place: compiled all the same, nothing left", async () => {
    const plain = await run({ cache: "none" });
    vi.spyOn(fs, "statfs").mockResolvedValue({ bavail: 0, bsize: 4096 } as Awaited<
      ReturnType<typeof fs.statfs>
    >);
    expect(await run()).toEqual(plain);
    vi.restoreAllMocks();
    const full = Object.assign(new Error("ENOSPC: no space left"), {
      code: "ENOSPC",
      syscall: "write",
    });
    // What comes after the lock: the model.
    const write = fs.writeFile;
    vi.spyOn(fs, "writeFile").mockImplementation((path, ...more) =>
      typeof path === "string" && path.endsWith("model.onnx")
        ? Promise.reject(full)
        : write(path, ...more),
    );
    expect(await run()).toEqual(plain);
    expect(folders()).toEqual([]);
    vi.restoreAllMocks();
    await rm(join(cache, "compiled"), { recursive: true });
    writeFileSync(join(cache, "compiled"), "");
    expect(await run()).toEqual(plain);
  });

  /** Weights on another disk: no name of theirs in the cache; and no second names for any file. */
  test.each([
    ["of another disk or user", (from: unknown) => from === weights, 1],
    ["without second names", () => true, 2],
  ] as const)("weights %s are brought there for the compilation", async (_, isRefused, copies) => {
    const plain = await run({ cache: "none" });
    const { link } = fs;
    const refused = Object.assign(new Error("EXDEV"), { code: "EXDEV", syscall: "link" });
    vi.spyOn(fs, "link").mockImplementation((from, to) =>
      isRefused(from) ? Promise.reject(refused) : link(from, to),
    );
    const copied = vi.spyOn(fs, "copyFile");
    expect([await run(), await run()]).toEqual([plain, plain]);
    expect(copied).toHaveBeenCalledTimes(copies); // the second run needs no weights
    expect(folders()).toHaveLength(1);
    expect(readdirSync(folders()[0]).filter((name) => name.endsWith(".data"))).toEqual([]);
    const kept = readdirSync(join(cache, "f32")).filter((name) => !name.endsWith(".used"));
    expect(kept).toEqual([expect.stringMatching(/\.copy$/)]);
  });

  test("names that cannot be removed cost no model; pruning removes them", async () => {
    const compiled = vi.spyOn(OpenVinoApi.prototype, "compileFile");
    const released = vi.spyOn(OpenVinoApi.prototype, "release");
    const { unlink, rm: remove } = fs;
    const busy = Object.assign(new Error("EBUSY"), { code: "EBUSY", syscall: "unlink" });
    vi.spyOn(fs, "unlink").mockImplementation((path) =>
      String(path).endsWith(".data") ? Promise.reject(busy) : unlink(path),
    );
    vi.spyOn(fs, "rm").mockImplementation((path, options) =>
      String(path).endsWith(".data") ? Promise.reject(busy) : remove(path, options),
    );
    const first = await run();
    const [folder] = folders();
    const names = () => readdirSync(folder).filter((name) => name.endsWith(".data"));
    expect(names()).toHaveLength(1);
    expect(await run()).toEqual(first);
    expect([compiled.mock.calls.length, released.mock.calls.length]).toEqual([2, 2]);
    vi.restoreAllMocks();
    await run({ threads: 2 }); // another model is kept, and with it all are pruned
    expect(names()).toEqual([]);
    expect(folders()).toContain(folder);
    const record = JSON.parse(readFileSync(join(folder, "record.json"), "utf8")) as object;
    expect(JSON.stringify(record)).not.toContain(".data");
  });

  test("a model that is of no use is given back", async () => {
    const compiled = vi.spyOn(OpenVinoApi.prototype, "compileFile");
    const released = vi.spyOn(OpenVinoApi.prototype, "release");
    const broken = new EngineError("it says nothing");
    vi.spyOn(OpenVinoApi.prototype, "sizes").mockImplementationOnce(() => {
      throw broken;
    });
    await expect(run()).rejects.toBe(broken);
    await run();
    vi.spyOn(OpenVinoApi.prototype, "cameFromCache").mockImplementationOnce(() => {
      throw broken;
    });
    await run();
    const models = await Promise.all(
      compiled.mock.results.map((result) => result.value as Promise<unknown>),
    );
    for (const model of models) expect(released).toHaveBeenCalledWith(model);
    expect(models).toHaveLength(3);
  });

  test("a weight file that is gone is told by name", async () => {
    const binding: Binding = { kind: "file", file: weights, offset: 0, dtype: "f32" };
    rmSync(weights);
    for (const engine of [await open(), await ortEngine()])
      for (const kept of ["disk", "none"] as const) {
        const compiling = engine.compile(network(), { bind: () => binding, cache: kept });
        await expect(compiling).rejects.toThrow(`the weight file ${weights} is gone`);
      }
  });

  test("a maker that was killed leaves nothing that is believed", async () => {
    const first = await run();
    const [folder] = folders();
    const blob = readFileSync(blobIn(folder)).subarray(0, 400);
    const name = blobIn(folder);
    rmSync(folder, { recursive: true });
    mkdirSync(folder);
    writeFileSync(name, blob);
    writeFileSync(`${folder}.lock`, "999999999\n");
    expect(await run()).toEqual(first);
    expect(folders()).toEqual([folder]);
  });
});

function rewrite(file: string, change: (text: string) => string): void {
  const text = readFileSync(file, "latin1");
  const changed = change(text);
  expect(changed).not.toBe(text);
  chmodSync(file, 0o600);
  writeFileSync(file, changed, "latin1");
}
