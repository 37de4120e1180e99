/** @file The root and the layers up to pipelines/ run in a browser: bundled for one, nothing of Node.js is left in them. */
import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { build, type Plugin } from "esbuild";
import { describe, expect, test } from "vitest";
import { browserField, manifest, sourceOf } from "./reference/browser-field.ts";

/** Faces that are for Node.js alone, and why. */
const needNode: Readonly<Record<string, string>> = {
  "./training": "runs live in folders, and batches are made in threads of Node.js",
  "./service": "a worker, folders and files of this machine",
};

/** Every other face: its source for Node.js, and the one that package.json gives to browsers. */
const faces = Object.entries(manifest.exports).flatMap(([name, face]) => {
  if (typeof face === "string" || Object.hasOwn(needNode, name)) return [];
  const [own, full] = "browser" in face ? [face.browser, face.default] : [face, face];
  const sources = { browser: sourceOf(own.default), full: sourceOf(full.default) };
  return [[name.replace(".", "limn"), sources] as const];
});

/** Bundles a face as an expression whose value is the module. */
const bundle = (entry: string, plugins: Plugin[] = [browserField]) =>
  build({
    plugins,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    format: "iife",
    globalName: "face",
    target: "es2023", // as the package is built
    platform: "browser",
    external: ["node:*", "onnxruntime-web"],
    logLevel: "silent",
  });

/** Packages that are made for Node.js. */
const external: Plugin = {
  name: "packages",
  setup: (build) =>
    build.onResolve({ filter: /^[a-z@]/ }, ({ path, kind }) =>
      kind === "entry-point" ? undefined : { path, external: true },
    ),
};

const leftovers = ({ metafile }: Awaited<ReturnType<typeof bundle>>) =>
  Object.values(metafile?.outputs ?? {})
    .flatMap((output) => output.imports)
    .filter(({ external }) => external)
    .map(({ path }) => path)
    // Made for browsers, and imported by an engine when it is opened.
    .filter((path) => !path.startsWith("onnxruntime-web/"));

/** What a page has of all that limn uses, and nothing of Node.js: no process, Buffer, require or global. */
const page = () => {
  const { TextEncoder, TextDecoder, CompressionStream, Blob, Response, AbortController } =
    globalThis;
  return { TextEncoder, TextDecoder, CompressionStream, Blob, Response, AbortController };
};

/** Names that a face exports, types included, and the file of each. */
function exportedBy(face: string): Map<string, string> {
  const lists = readFileSync(face, "utf8").matchAll(
    /^export (?:type )?\{([^}]*)\} from "([^"]+)"/gm,
  );
  const names = [...lists].flatMap(([, list, file]) =>
    list
      .split(",")
      .map((name) => name.replace(/\btype\b/, "").trim())
      .filter((name) => name !== "")
      .map((name) => [name, file] as const),
  );
  return new Map(names);
}

describe.each(faces)("%s", (_, { browser, full }) => {
  test("runs where there is nothing of Node.js", async () => {
    const bundled = await bundle(browser);
    expect(leftovers(bundled)).toEqual([]);
    const [{ text }] = bundled.outputFiles;
    expect(text).not.toMatch(/["']node:/);
    const face = runInNewContext(`${text}; face`, page()) as object;
    expect(Object.keys(face).length).toBeGreaterThan(0);
  });

  test("has in a browser all that does not come from files of Node.js", () => {
    const ofNode = /\.node\.ts$|^\.\/service\//;
    const wanted = [...exportedBy(full)].filter(([, file]) => !ofNode.test(file));
    const there = exportedBy(browser);
    const lost = wanted.map(([name]) => name).filter((name) => !there.has(name));
    expect(lost).toEqual(full === "src/index.ts" ? ["readImage"] : []);
  });
});

test("what is to be disposed of can be where the platform has no symbol for it", async () => {
  const [{ text }] = (await bundle("src/browser.ts")).outputFiles;
  const lacking =
    "Object.defineProperty(Symbol, 'asyncDispose', { value: undefined, configurable: true });";
  const program = `${lacking} ${text}; [typeof Symbol.asyncDispose, typeof face.StableDiffusion.prototype[Symbol.asyncDispose]].join()`;
  expect(runInNewContext(program, page())).toBe("symbol,function");
});

test("a page makes a picture file", async () => {
  const [{ text }] = (await bundle("src/browser.ts")).outputFiles;
  const program = `${text}; face.encodePng({ width: 2, height: 1, channels: 3, data: new Uint8Array(6) })`;
  const png = (await runInNewContext(program, page())) as Uint8Array;
  expect([...png.subarray(1, 4)]).toEqual([..."PNG"].map((letter) => letter.charCodeAt(0)));
});

test("Node.js would be noticed, and those that need it do", async () => {
  const left = async (entry: string) => leftovers(await bundle(entry, [external]));
  expect(await left("src/pipelines/index.ts")).toContain("node:fs/promises");
  for (const name of Object.keys(needNode))
    expect(await left(`src/${name}/index.ts`)).toContain("node:fs/promises");
});

test("every face for browsers stands for its other within the package too", () => {
  const own = Object.values(manifest.exports).flatMap((face) =>
    typeof face === "object" && "browser" in face
      ? [[face.default.default, face.browser.default]]
      : [],
  );
  expect(manifest.browser).toEqual(Object.fromEntries(own));
});
