/** @file The layers up to pipelines/ run in a browser: bundled for one, nothing of Node.js is left in them. */
import { readFileSync } from "node:fs";
import { build } from "esbuild";
import { expect, test } from "vitest";

/** The source of what package.json gives to those who are not Node.js. */
function browserFace(): string {
  const { exports } = JSON.parse(readFileSync("package.json", "utf8")) as {
    exports: Record<"./pipelines", { default: { default: string } }>;
  };
  return exports["./pipelines"].default.default.replace(/^\.\/dist\//, "src/").replace(/js$/, "ts");
}

const bundle = (entry: string) =>
  build({
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    // Named by files that must fall away; what is still imported afterwards is the failure.
    external: ["node:*", "koffi", "sharp", "onnxruntime-node", "jiti"],
    logLevel: "silent",
  });

const leftovers = ({ metafile }: Awaited<ReturnType<typeof bundle>>) =>
  Object.values(metafile?.outputs ?? {})
    .flatMap((output) => output.imports)
    .filter(({ external }) => external)
    .map(({ path }) => path);

test("limn/pipelines bundled for the browser holds no node: import and no native package", async () => {
  const bundled = await bundle(browserFace());
  expect(leftovers(bundled)).toEqual([]);
  const [{ text }] = bundled.outputFiles;
  expect(text).toContain("textToImage");
  expect(text).not.toMatch(/["']node:|\bprocess\./);
});

test("Node.js would be noticed", async () => {
  expect(leftovers(await bundle("src/pipelines/index.ts"))).toContain("node:fs/promises");
});
