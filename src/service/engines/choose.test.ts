/** @file Which engine is taken: the fastest that works, with a word about what is broken. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { EngineError } from "../../base/index.ts";
import type { Engine } from "../../runtime/index.ts";
import { hasFastHalves, openEngine } from "./choose.ts";
import { listEngines } from "./list.ts";
import type { EngineName } from "./table.ts";

const engine = (name: string): Engine => ({
  name,
  version: "1",
  precisions: ["f32"],
  compile: () => Promise.reject(new Error("never compiled")),
});
const works = (name: EngineName) => () => Promise.resolve(engine(name));
const fails = (message: string, hint?: string) => () =>
  Promise.reject(new EngineError(message, hint === undefined ? {} : { hint }));
const all = { openvino: works("openvino"), ort: works("ort"), wasm: works("wasm") };

/** A machine where OpenVINO lies nowhere, or where the C library is a file of this text. */
function openVinoIs(text: string | null): string {
  const folder = mkdtempSync(join(tmpdir(), "limn choose "));
  onTestFinished(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
  });
  vi.stubEnv("LIMN_DATA", folder);
  vi.stubEnv("LIMN_OPENVINO", text === null ? "" : folder);
  vi.stubEnv("INTEL_OPENVINO_DIR", "");
  if (text !== null) writeFileSync(join(folder, "libopenvino_c.so"), text);
  return folder;
}

test("auto takes the fastest, without a word", async () => {
  const { engine: taken, notes } = await openEngine("auto", {}, all);
  expect([taken.name, notes]).toEqual(["openvino", []]);
});

test("an engine that is named is taken, or fails with its own words", async () => {
  expect((await openEngine("wasm", {}, all)).engine.name).toBe("wasm");
  const broken = {
    ...all,
    openvino: fails("OpenVINO is not installed", "limn engines install openvino"),
  };
  await expect(openEngine("openvino", {}, broken)).rejects.toMatchObject({
    code: "engine",
    message: "OpenVINO is not installed",
    hint: "limn engines install openvino",
  });
});

test("OpenVINO that is nowhere is passed over in silence", async () => {
  openVinoIs(null);
  const { engine: taken, notes } = await openEngine(
    "auto",
    {},
    {
      ...all,
      openvino: fails("OpenVINO is not installed"),
    },
  );
  expect([taken.name, notes]).toEqual(["ort", []]);
});

test("[G13] OpenVINO that is broken is one sentence, and ONNX Runtime draws", async () => {
  const folder = openVinoIs("not a library");
  const { engine: taken, notes } = await openEngine();
  expect(taken.name).toBe("ort");
  expect(notes).toEqual([
    expect.stringMatching(
      /^.*libopenvino_c\.so cannot be loaded: .*; drawing with ONNX Runtime instead$/,
    ),
  ]);
  expect(notes[0]).toContain(folder);
  expect(notes[0].split("\n")).toHaveLength(1);
  await expect(openEngine("openvino")).rejects.toThrow("cannot be loaded");
});

test("a library for another machine says so", async () => {
  // An ELF header for PowerPC (21), as libraries of other machines begin.
  const head = Buffer.alloc(4096);
  head.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  head.writeUInt16LE(3, 16);
  head.writeUInt16LE(21, 18);
  const folder = openVinoIs("");
  writeFileSync(join(folder, "libopenvino_c.so"), head);
  const { notes } = await openEngine();
  expect(notes).toEqual([expect.stringContaining("is made for another machine, this machine is")]);
});

test("a place without the library, named by the variable, is told too", async () => {
  openVinoIs("x");
  vi.stubEnv("LIMN_OPENVINO", "/nonexistent");
  const { engine: taken, notes } = await openEngine();
  expect([taken.name, notes]).toEqual([
    "ort",
    [
      "LIMN_OPENVINO is /nonexistent, where no OpenVINO C library lies; drawing with ONNX Runtime instead",
    ],
  ]);
});

test("without a native engine WebAssembly draws, and that is said", async () => {
  openVinoIs(null);
  const bare = {
    ...all,
    openvino: fails("x"),
    ort: fails("ONNX Runtime is not installed", "npm i it"),
  };
  const { engine: taken, notes } = await openEngine("auto", {}, bare);
  expect(taken.name).toBe("wasm");
  expect(notes).toEqual([
    "ONNX Runtime is not installed (npm i it); drawing with ONNX Runtime in WebAssembly, which is several times slower",
  ]);
});

test("what keeps both native engines from working is said once", async () => {
  openVinoIs("not a library");
  const same = fails("koffi cannot be loaded", "npm i koffi");
  const { notes } = await openEngine("auto", {}, { ...all, openvino: same, ort: same });
  expect(notes).toEqual([
    "koffi cannot be loaded (npm i koffi); drawing with ONNX Runtime in WebAssembly, which is several times slower",
  ]);
});

test("with nothing at all, the usual engine's complaint", async () => {
  openVinoIs(null);
  const none = {
    openvino: fails("a"),
    ort: fails("ONNX Runtime is not installed"),
    wasm: fails("c"),
  };
  await expect(openEngine("auto", {}, none)).rejects.toThrow("ONNX Runtime is not installed");
});

test("training passes over WebAssembly", async () => {
  openVinoIs(null);
  const none = { ...all, openvino: fails("a"), ort: fails("ONNX Runtime is not installed") };
  const opened = openEngine("auto", { doing: "training", order: ["openvino", "ort"] }, none);
  await expect(opened).rejects.toThrow("ONNX Runtime is not installed");
});

test("a mistake of limn's own is not passed over", async () => {
  const odd = { ...all, openvino: () => Promise.reject(new TypeError("slip")) };
  await expect(openEngine("auto", {}, odd)).rejects.toThrow("slip");
});

test("halves are fast where there are instructions for them", () => {
  expect(hasFastHalves(["avx2", "avx512"], "x64")).toBe(false);
  expect(hasFastHalves(["avx512_bf16"], "x64")).toBe(true);
  expect(hasFastHalves(["amx"], "x64")).toBe(true);
  expect(hasFastHalves(["neon"], "arm64")).toBe(true);
  expect(hasFastHalves(null, "x64")).toBe(true);
});

test("the list tells what is broken, what is missing and what is taken", async () => {
  openVinoIs("not a library");
  const broken = await listEngines();
  expect(broken.engines[0]).toMatchObject({ name: "openvino", state: "broken" });
  expect(broken.engines[0].problem).toContain("cannot be loaded");
  expect(broken.auto).toMatchObject({ engine: "ort", precision: "f32" });
  openVinoIs(null);
  const missing = await listEngines();
  expect(missing.engines[0]).toMatchObject({
    ...{ name: "openvino", state: "missing", problem: "OpenVINO is not installed" },
    hint: "limn engines install openvino",
  });
  expect(missing.engines[1]).toMatchObject({ name: "ort", state: "ready" });
});
