/** @file The layers up to pipelines/ run in a browser: bundled for one, nothing of Node.js is left in them. */
import { build } from "esbuild";
import { expect, test } from "vitest";

test("limn/pipelines bundled for the browser holds no node: import and no native package", async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: ["src/pipelines/browser.ts"],
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "browser",
    // Named by files that must fall away; what is still imported afterwards is the failure.
    external: ["node:*", "koffi", "sharp", "onnxruntime-node"],
    logLevel: "silent",
  });
  const imports = Object.values(metafile.outputs).flatMap((output) => output.imports);
  expect(imports.filter(({ external }) => external).map(({ path }) => path)).toEqual([]);
  const [{ text }] = outputFiles;
  expect(text).toContain("textToImage");
  expect(text).not.toMatch(/["']node:|\bprocess\./);
});
