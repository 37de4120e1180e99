/** @file The architecture, as a test: which folder of `src/` may import which. */
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import { test } from "vitest";
import ts from "typescript";

/** Lowest layer first. A folder may import only the folders named beside it. */
const MAY_IMPORT: Record<string, readonly string[]> = {
  base: [],
  formats: ["base"],
  text: ["base"],
  tensor: ["base"],
  autodiff: ["base", "tensor"],
  runtime: ["base", "tensor", "formats"],
  nn: ["base", "tensor"],
  schedulers: ["base", "tensor"],
  models: ["base", "tensor", "nn"],
  checkpoints: ["base", "formats", "tensor", "nn", "models"],
  pipelines: [
    "base",
    "formats",
    "text",
    "tensor",
    "runtime",
    "schedulers",
    "models",
    "checkpoints",
  ],
  training: [
    "base",
    "formats",
    "text",
    "tensor",
    "autodiff",
    "runtime",
    "nn",
    "schedulers",
    "models",
    "checkpoints",
    "pipelines",
  ],
  service: [
    "base",
    "formats",
    "text",
    "tensor",
    "autodiff",
    "runtime",
    "nn",
    "schedulers",
    "models",
    "checkpoints",
    "pipelines",
    "training",
  ],
  server: ["base", "service"],
  cli: ["base", "service", "server"],
  // The root export puts together what programs need.
  "index.ts": ["base", "formats", "pipelines", "service"],
};

const src = resolve(process.env.SRC ?? "src");
/** Tests are left out: to evaluate a tensor they may reach up to `runtime/`. */
const files = readdirSync(src, { recursive: true, encoding: "utf8" }).filter(
  (f) => f.endsWith(".ts") && !/\.(test|cases)\.ts$/.test(f),
);
const layerOf = (file: string) => relative(src, file).split(sep)[0];

/** Every relative import in a file, `import type` and `import()` included. */
const importsOf = (file: string) =>
  ts
    .preProcessFile(readFileSync(file, "utf8"))
    .importedFiles.map((i) => i.fileName)
    .filter((name) => name.startsWith("."))
    .map((name) => resolve(dirname(file), name));

test("each layer imports only the layers below it, through their index.ts", () => {
  const errors: string[] = [];
  for (const file of files.map((f) => join(src, f))) {
    const [from, allowed] = [layerOf(file), MAY_IMPORT[layerOf(file)]];
    if (!allowed) {
      errors.push(`${relative(src, file)}: '${from}' is not a layer; add it to MAY_IMPORT`);
      continue;
    }
    for (const target of importsOf(file)) {
      const to = layerOf(target);
      if (to === from) continue;
      const path = `${relative(src, file)} imports ${relative(src, target)}`;
      if (!allowed.includes(to))
        errors.push(`${path}: ${from} may import only [${allowed.join(", ")}]`);
      else if (relative(src, target) !== join(to, "index.ts"))
        errors.push(`${path}: import ${to}/index.ts instead`);
    }
  }
  assert.deepEqual(errors, []);
});

test("no import cycles inside a layer", () => {
  const state = new Map<string, "open" | "done">();
  const visit = (file: string, trail: string[]): void => {
    if (state.get(file) === "done") return;
    assert.notEqual(
      state.get(file),
      "open",
      `import cycle: ${[...trail, file].map((f) => relative(src, f)).join(" → ")}`,
    );
    state.set(file, "open");
    for (const target of importsOf(file)) visit(target, [...trail, file]);
    state.set(file, "done");
  };
  for (const f of files) visit(join(src, f), []);
});
