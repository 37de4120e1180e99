/** @file Libraries of OpenVINO that are of no use, made of the real one: told in one sentence, and drawn without. */
import {
  cpSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { locateOpenVino } from "../src/runtime/index.ts";
import { buildIfStale, freshFolder, goldenModel, limn } from "./reference/built-cli.ts";
import { describeOpenVino } from "./reference/engines.ts";

vi.setConfig({ testTimeout: 240_000 }); // several starts of limn each, on a machine that may have other work
beforeAll(() => buildIfStale(), 240_000);

let folder = "";
beforeEach(() => {
  folder = freshFolder();
  vi.stubEnv("LIMN_DATA", join(folder, "data"));
  vi.stubEnv("LIMN_CACHE", join(folder, "cache"));
});
afterEach(() => {
  vi.unstubAllEnvs();
});

/** What can be wrong with the files of a library, and what is said of it. */
const harm: readonly (readonly [string, (copy: string) => void, RegExp])[] = [
  [
    "too old",
    (copy) =>
      rewrite(fileOf(copy, /^libopenvino\.so/), (text) =>
        text.replace(/\b20\d\d(?=\.\d+\.\d+-)/g, "2024"),
      ),
    /^OpenVINO 2024\.\S+ in .* is too old: limn needs 2025\.0 or newer/,
  ],
  [
    "for another machine",
    (copy) =>
      rewrite(
        fileOf(copy, /^libopenvino_c\.so/),
        (text) => `${text.slice(0, 18)}\xf3\0${text.slice(20)}`,
      ),
    /is made for another machine, this machine is/,
  ],
  [
    "without what reads models",
    (copy) => rmSync(fileOf(copy, /onnx_frontend/)),
    /reads no ONNX models/,
  ],
  [
    "without its processor",
    (copy) => rmSync(fileOf(copy, /intel_cpu_plugin|arm_cpu_plugin/)),
    /has no plugin for processors/,
  ],
  [
    "without what it needs",
    (copy) => rmSync(fileOf(copy, /^libtbb\.so/)),
    /cannot be loaded: .*tbb/,
  ],
  ...[
    /^libopenvino_c\.so/,
    /^libopenvino\.so/,
    /intel_cpu_plugin/,
    /onnx_frontend/,
    /^libtbb\.so/,
  ].map(
    (pattern) =>
      [
        `cut short in ${pattern.source}`,
        (copy: string) => {
          const file = fileOf(copy, pattern);
          truncateSync(file, Math.floor(statSync(file).size / 2));
        },
        /is cut short/,
      ] as const,
  ),
];

const fileOf = (copy: string, pattern: RegExp) =>
  join(copy, readdirSync(copy).find((name) => pattern.test(name)) ?? "none");

function rewrite(file: string, change: (text: string) => string): void {
  const text = readFileSync(file, "latin1");
  const changed = change(text);
  expect(changed).not.toBe(text);
  expect(changed.length).toBe(text.length);
  writeFileSync(file, changed, "latin1");
}

describeOpenVino(
  "a library that is of no use",
  () => {
    const parts = /^lib(openvino(_c)?\.so|openvino_(onnx_frontend|\w+_cpu_plugin)\.|tbb|hwloc)/;

    test.each(harm)("%s: told in one sentence, and drawn without", async (_, hurt, sentence) => {
      const from = locateOpenVino()?.folder ?? "";
      const copy = join(folder, "engine");
      mkdirSync(copy);
      for (const name of readdirSync(from).filter((each) => parts.test(each)))
        cpSync(join(from, name), join(copy, name), { dereference: true });
      hurt(copy);
      vi.stubEnv("LIMN_OPENVINO", copy);
      const words = [
        "x",
        "--model",
        goldenModel("sd1"),
        "--steps",
        "1",
        "--width",
        "32",
        "--height",
        "32",
      ];
      const drawn = await limn(folder, ...words, "--json");
      expect([drawn.code, drawn.signal, drawn.stderr]).toEqual([0, null, expect.any(String)]);
      expect(JSON.parse(drawn.stdout)).toMatchObject({ engine: "ort", precision: "f32" });
      const said = drawn.stderr.split("\n").filter((line) => line.includes("instead"));
      expect(said).toEqual([
        expect.stringMatching(/^limn: .*; drawing with ONNX Runtime instead$/),
      ]);
      expect(said[0].slice("limn: ".length)).toMatch(sentence);
      const named = await limn(folder, ...words, "--engine", "openvino");
      expect([named.code, named.signal]).toEqual([1, null]);
      expect(named.stderr.slice("limn: ".length)).toMatch(sentence);
    });
  },
  process.platform === "linux" ? null : "the harm is done to libraries of Linux",
);
