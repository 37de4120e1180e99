/** @file The architecture as a table, and the check that reads a tree of sources by it. */
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve, sep } from "node:path";
import ts from "typescript";

const ground = ["base", "formats", "text", "tensor"];
const described = [...ground, "autodiff", "runtime", "nn", "schedulers", "models", "checkpoints"];

/** Lowest layer first. A folder may import only the folders named beside it. */
export const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  base: [],
  formats: ["base"],
  text: ["base"],
  tensor: ["base"],
  autodiff: ["base", "tensor"],
  runtime: ["base", "formats", "tensor"],
  nn: ["base", "tensor"],
  schedulers: ["base", "tensor"],
  models: ["base", "tensor", "nn"],
  checkpoints: ["base", "formats", "tensor", "nn", "models"],
  pipelines: [...ground, "runtime", "schedulers", "models", "checkpoints"],
  training: [...described, "pipelines"],
  service: [...described, "pipelines", "training"],
  server: ["base", "service"],
  cli: ["base", "service", "server"],
  // The root export puts together what programs need.
  "index.ts": ["base", "formats", "pipelines", "service"],
  "browser.ts": ["base", "formats", "pipelines"],
};

/** Folders inside a layer that may import only its files at the top and, of its folders, those named beside them. */
const MAY_IMPORT_BESIDE: Readonly<Record<string, readonly string[]>> = {
  "runtime/lowering": [],
  "runtime/cache": [],
  "runtime/elementwise": ["lowering"],
  "runtime/ort": ["lowering", "cache"],
  "runtime/openvino": ["lowering", "cache"],
  "runtime/wasm": ["lowering", "cache"],
  "pipelines/programs": [],
  "training/optimizers": [],
};

/** Packages from outside, `node:*` among them, and the files of `src/` that may import them. */
const MAY_USE: readonly (readonly [packages: RegExp, files: RegExp, where: string])[] = [
  [/^(onnxruntime-.+|koffi)$/, /^runtime\//, "runtime/"],
  [/^protobufjs$/, /^formats\//, "formats/"],
  [/^sharp$/, /^(formats|training)\/.*\.node\.ts$/, "*.node.ts of formats/ and training/"],
  [/^yauzl$/, /^formats\/.*\.node\.ts$/, "*.node.ts of formats/"],
  [/^jiti$/, /^training\/.*\.node\.ts$/, "*.node.ts of training/"],
  [/^(commander|cli-progress)$/, /^cli\//, "cli/"],
  [
    /^node:/,
    /^(service|server|cli)\/|\.node\.ts$/,
    "files named *.node.ts, service/, server/ and cli/",
  ],
];

/** Sources of a tree, relative to it. Tests are left out: to evaluate a tensor they may reach up to `runtime/`. */
const sourcesOf = (src: string): string[] =>
  readdirSync(src, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !/\.(test|cases)\.ts$/.test(file))
    .map((file) => file.split(sep).join("/"))
    .sort();

/** What a file imports, `import type` and `import()` included. */
const importsOf = (src: string, file: string): string[] =>
  ts
    .preProcessFile(readFileSync(join(src, file), "utf8"))
    .importedFiles.map(({ fileName }) => fileName);

/** Files of the tree that a file imports, relative to the tree. */
const filesImportedBy = (src: string, file: string): string[] =>
  importsOf(src, file)
    .filter((name) => name.startsWith("."))
    .map((name) =>
      relative(src, resolve(src, dirname(file), name))
        .split(sep)
        .join("/"),
    );

const layerOf = (file: string): string => file.split("/")[0];

/** `runtime/ort` for `runtime/ort/api.node.ts`; for a file at a layer's top, the layer. */
const folderOf = (file: string): string => file.split("/").slice(0, -1).slice(0, 2).join("/");

/** Imports between folders of one layer that go past the table. */
function wrongBeside(file: string, target: string): string[] {
  const [from, to] = [folderOf(file), folderOf(target)];
  if (!Object.hasOwn(MAY_IMPORT_BESIDE, from) || to === from || to === layerOf(file)) return [];
  const beside = MAY_IMPORT_BESIDE[from];
  if (beside.includes(to.split("/")[1])) return [];
  return [`${file} imports ${target}: of the folders beside it only [${beside.join(", ")}]`];
}

/** Imports that go up, sideways or past a folder's face; one sentence each. */
export function wrongWays(src: string): string[] {
  return sourcesOf(src).flatMap((file) => {
    const from = layerOf(file);
    if (!Object.hasOwn(MAY_IMPORT, from))
      return [`${file}: '${from}' is not a layer; add it to MAY_IMPORT`];
    const allowed = MAY_IMPORT[from];
    return filesImportedBy(src, file).flatMap((target) => {
      const to = layerOf(target);
      const path = `${file} imports ${target}`;
      if (to === from) return wrongBeside(file, target);
      if (!allowed.includes(to))
        return [`${path}: ${from} may import only [${allowed.join(", ")}]`];
      // The root's face for browsers takes theirs.
      const face = file === "browser.ts" && target === `${to}/browser.ts`;
      return face || target === `${to}/index.ts` ? [] : [`${path}: import ${to}/index.ts instead`];
    });
  });
}

/** Packages imported where they are not allowed, and packages nobody allowed; one sentence each. */
export function wrongPackages(src: string): string[] {
  return sourcesOf(src).flatMap((file) =>
    importsOf(src, file)
      .filter((name) => !name.startsWith("."))
      .flatMap((name) => {
        const parts = name.split("/");
        const base = parts.slice(0, name.startsWith("@") ? 2 : 1).join("/");
        const row = MAY_USE.find(([packages]) => packages.test(base));
        if (!row) return [`${file} imports ${name}: no folder may; add it to MAY_USE`];
        return row[1].test(file) ? [] : [`${file} imports ${name}: it belongs to ${row[2]}`];
      }),
  );
}

/** The first ring of imports of every file that closes one; one sentence each. */
export function cycles(src: string): string[] {
  const found: string[] = [];
  const state = new Map<string, "open" | "done">();
  const visit = (file: string, trail: readonly string[]): void => {
    if (state.get(file) === "done") return;
    if (state.get(file) === "open") {
      found.push(`import cycle: ${[...trail.slice(trail.indexOf(file)), file].join(" → ")}`);
      return;
    }
    state.set(file, "open");
    for (const target of filesImportedBy(src, file)) visit(target, [...trail, file]);
    state.set(file, "done");
  };
  for (const file of sourcesOf(src)) visit(file, []);
  return found;
}
