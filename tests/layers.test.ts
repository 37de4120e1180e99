/** @file The architecture, as a test: which folder of `src/` may import which, and who may use which package. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { cycles, MAY_IMPORT, wrongPackages, wrongWays } from "./reference/layers.ts";

test("each layer imports only the layers below it, through their index.ts", () => {
  expect(wrongWays("src")).toEqual([]);
});

test("packages from outside are imported only where they belong", () => {
  expect(wrongPackages("src")).toEqual([]);
});

test("no import cycles", () => {
  expect(cycles("src")).toEqual([]);
});

test("ARCHITECTURE.md shows the same table", () => {
  const page = readFileSync("ARCHITECTURE.md", "utf8");
  const rows = [...page.matchAll(/^\| `([\w.]+)\/?` +\| ([^|]+?) +\|/gm)].map(([, name, list]) => [
    name,
    list === "–" ? [] : list.split(", "),
  ]);
  expect(Object.fromEntries(rows)).toEqual(MAY_IMPORT);
});

/** A tree of sources, gone with the test. */
function treeOf(files: Record<string, string>): string {
  const src = mkdtempSync(join(tmpdir(), "limn layers "));
  onTestFinished(() => rmSync(src, { recursive: true }));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(src, file)), { recursive: true });
    writeFileSync(join(src, file), text);
  }
  return src;
}

test("a bad tree is found out, file by file", () => {
  const src = treeOf({
    "base/index.ts": `export { a } from "./a.ts";`,
    "base/a.ts": `import type { B } from "./b.ts"; export const a = 1;`,
    "base/b.ts": `import { a } from "./a.ts"; export type B = typeof a;`,
    "tensor/tensor.ts": `import type { Draw } from "../pipelines/index.ts"; import { a } from "../base/a.ts";`,
    "pipelines/index.ts": `export const draw = async () => import("../cli/main.ts");`,
    "cli/main.ts": "",
    "runtime/ort/engine.ts": `import "../value.ts"; import "../lowering/model.ts"; import "../wasm/engine.ts";`,
    "runtime/value.ts": "",
    "runtime/lowering/model.ts": `import "../ort/engine.ts";`,
    "runtime/wasm/engine.ts": `import "./pack.ts";`,
    "runtime/wasm/pack.ts": "",
    "utils/odd.ts": "",
  });
  expect(wrongWays(src)).toEqual([
    expect.stringMatching(/^pipelines\/index.ts imports cli\/main.ts: pipelines may import only/),
    "runtime/lowering/model.ts imports runtime/ort/engine.ts: of the folders beside it only []",
    "runtime/ort/engine.ts imports runtime/wasm/engine.ts: of the folders beside it only [lowering, cache]",
    "tensor/tensor.ts imports pipelines/index.ts: tensor may import only [base]",
    "tensor/tensor.ts imports base/a.ts: import base/index.ts instead",
    "utils/odd.ts: 'utils' is not a layer; add it to MAY_IMPORT",
  ]);
  expect(cycles(src)).toEqual([
    "import cycle: base/a.ts → base/b.ts → base/a.ts",
    "import cycle: runtime/lowering/model.ts → runtime/ort/engine.ts → runtime/lowering/model.ts",
  ]);
});

test("packages in the wrong place are found out", () => {
  const src = treeOf({
    "base/clock.ts": `import { hrtime } from "node:process";`,
    "base/clock.node.ts": `import { hrtime } from "node:process";`,
    "base/clock.test.ts": `import { test } from "vitest";`,
    "cli/main.ts": `import { Command } from "commander"; import { join } from "node:path";`,
    "formats/image.ts": `const load = () => import("sharp");`,
    "formats/image.node.ts": `import sharp from "sharp"; import pb from "protobufjs/minimal.js";`,
    "models/unet.ts": `import type { InferenceSession } from "onnxruntime-node";`,
    "runtime/ort.node.ts": `import koffi from "koffi"; import * as web from "onnxruntime-web/wasm";`,
    "service/words.ts": `import { Command } from "commander"; import { readFile } from "fs";`,
    "training/recipe.node.ts": `import { createJiti } from "jiti"; import x from "@scope/x/deep.js";`,
  });
  expect(wrongPackages(src)).toEqual([
    "base/clock.ts imports node:process: it belongs to files named *.node.ts, service/, server/ and cli/",
    "formats/image.ts imports sharp: it belongs to *.node.ts of formats/ and training/",
    "models/unet.ts imports onnxruntime-node: it belongs to runtime/",
    "service/words.ts imports commander: it belongs to cli/",
    "service/words.ts imports fs: no folder may; add it to MAY_USE",
    "training/recipe.node.ts imports @scope/x/deep.js: no folder may; add it to MAY_USE",
  ]);
});
