/** @file Machines on which nothing native can be loaded: limn draws in WebAssembly and says so, in one line. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeAll, expect, test, vi } from "vitest";
import { readImage } from "../src/formats/index.ts";
import { ortLibraryPath } from "../src/runtime/index.ts";
import {
  beginWithoutOwnEngines,
  buildIfStale,
  copyOfPackage,
  finish,
  freshFolder,
  goldenModel,
  limn,
  start,
} from "./reference/built-cli.ts";

vi.setConfig({ testTimeout: 240_000 }); // several starts of limn each, on a machine that may have other work
/** The picture of ONNX Runtime's own library. */
let wanted: Uint8Array;
beforeAll(async () => {
  buildIfStale();
  const folder = mkdtempSync(join(tmpdir(), "limn usual "));
  const usual = await limn(folder, ...small, "--engine", "ort", "--out", "usual.png");
  expect(usual.code).toBe(0);
  wanted = await pixels(join(folder, "usual.png"));
  rmSync(folder, { recursive: true });
}, 240_000);
beginWithoutOwnEngines();

const draw = ["x", "--model", goldenModel("sd1"), "--steps", "1", "--seed", "3", "--json"];
const small = [...draw, "--width", "32", "--height", "32"];

const pixels = async (path: string) => (await readImage(path)).image.data;

/** A package onnxruntime-node whose library is this. */
function writeOrt(modules: string, library: Uint8Array): void {
  const folder = join(modules, "onnxruntime-node");
  const bin = join(folder, "bin/napi-v6", process.platform, process.arch);
  mkdirSync(join(folder, "dist"), { recursive: true });
  mkdirSync(bin, { recursive: true });
  const facts = { name: "onnxruntime-node", version: "1.0.0", main: "dist/index.js" };
  writeFileSync(join(folder, "package.json"), JSON.stringify(facts));
  writeFileSync(join(folder, "dist/index.js"), "");
  writeFileSync(join(bin, "libonnxruntime.so.1"), library);
}

const packageOf = (name: string) => dirname(createRequire(import.meta.url).resolve(name));

/** What is wrong with a machine, and what is said of it. */
const machines: readonly {
  readonly name: string;
  readonly without: readonly string[];
  readonly prepare: (modules: string) => void;
  readonly said: RegExp;
}[] = [
  {
    name: "an empty library of ONNX Runtime",
    without: ["onnxruntime-node"],
    prepare: (modules) => writeOrt(modules, new Uint8Array()),
    said: /libonnxruntime\.so\.1 cannot be loaded: .* \(install onnxruntime-node anew\)/,
  },
  {
    name: "half a library of ONNX Runtime",
    without: ["onnxruntime-node"],
    prepare: (modules) => {
      const whole = readFileSync(ortLibraryPath());
      writeOrt(modules, whole.subarray(0, whole.length / 2));
    },
    said: /libonnxruntime\.so\.1 (is cut short|cannot be loaded: .*) \(install/,
  },
  {
    name: "no ONNX Runtime",
    without: ["onnxruntime-node"],
    prepare: () => undefined,
    said: /ONNX Runtime is not installed \(npm i onnxruntime-node .*\)/,
  },
  {
    name: "koffi without its binary",
    without: ["koffi", "@koromix"],
    prepare: (modules) =>
      cpSync(packageOf("koffi"), join(modules, "koffi"), { recursive: true, dereference: true }),
    said: /koffi, which calls native libraries, cannot be loaded: .*native.* \(npm i koffi .*\)/,
  },
  {
    name: "no koffi",
    without: ["koffi", "@koromix"],
    prepare: () => undefined,
    said: /koffi, which calls native libraries, cannot be loaded: Cannot find .* \(npm i koffi .*\)/,
  },
];

interface Report {
  readonly files: readonly string[];
  readonly engine: string;
}

test.each(machines)(
  "$name: it draws in WebAssembly, what ONNX Runtime draws, and says one line",
  async ({ without, prepare, said }) => {
    const folder = freshFolder();
    const broken = copyOfPackage(folder, without);
    prepare(join(folder, "node_modules"));
    const on = (words: readonly string[]) => finish(start(folder, words, broken));

    const drawn = await on([...small, "--out", "drawn.png"]);
    expect([drawn.code, drawn.stderr]).toEqual([0, expect.any(String)]);
    expect((JSON.parse(drawn.stdout) as Report).engine).toBe("wasm");
    const lines = drawn.stderr.split("\n").filter((line) => /wasm|WebAssembly/i.test(line));
    expect(lines).toEqual([
      expect.stringMatching(
        /^limn: .*; drawing with ONNX Runtime in WebAssembly, which is several times slower$/,
      ),
    ]);
    expect(lines[0]).toMatch(said);
    expect(drawn.stderr).not.toContain("    at ");

    const got = await pixels(join(folder, "drawn.png"));
    expect(got.length).toBe(wanted.length);
    // Rounding may fall the other way: both compute in f32.
    expect(Math.max(...got.map((v, i) => Math.abs(v - wanted[i])))).toBeLessThanOrEqual(1);

    const refused = await on([...small, "--engine", "ort"]);
    expect([refused.code, JSON.parse(refused.stdout)]).toMatchObject([
      1,
      { error: { code: "engine" } },
    ]);

    const listed = await on(["engines", "--json"]);
    expect(listed.code).toBe(0);
    expect(JSON.parse(listed.stdout)).toMatchObject({
      auto: { engine: "wasm", precision: "f32" },
      engines: [{ name: "openvino", state: "missing" }, { name: "ort" }, { state: "ready" }],
    });
  },
);

test.each(machines.filter(({ without }) => without.includes("koffi")))(
  "$name: WebAssembly is not kept from drawing by name",
  async ({ without, prepare }) => {
    const folder = freshFolder();
    const broken = copyOfPackage(folder, without);
    prepare(join(folder, "node_modules"));
    const { code, stderr } = await finish(start(folder, [...small, "--engine", "wasm"], broken));
    expect([code, stderr]).toEqual([0, expect.not.stringContaining("koffi")]);
  },
);
