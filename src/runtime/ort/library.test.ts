/** @file Finding ONNX Runtime's library, and keeping it when its package is taken away. */
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { keepLibrary, libraryPath } from "./library.node.ts";

function folders(): { from: string; to: string } {
  const root = mkdtempSync(join(tmpdir(), "limn library "));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const from = join(root, "node_modules/onnxruntime-node/bin");
  mkdirSync(from, { recursive: true });
  for (const name of ["libonnxruntime.so.1", "helper.so", "onnxruntime_binding.node"])
    writeFileSync(join(from, name), name);
  return { from, to: join(root, "node_modules/limn/engine") };
}

test("the library outlives its package", () => {
  const { from, to } = folders();
  expect(libraryPath([from, to])).toBe(join(from, "libonnxruntime.so.1"));
  keepLibrary(from, to);
  keepLibrary(from, to); // installing again
  rmSync(from, { recursive: true });
  expect(readdirSync(to).sort()).toEqual(["helper.so", "libonnxruntime.so.1"]);
  expect(readFileSync(libraryPath([null, to]), "utf8")).toBe("libonnxruntime.so.1");
});

test("a newer library takes the place of the older one", () => {
  const { from, to } = folders();
  keepLibrary(from, to);
  rmSync(from, { recursive: true });
  mkdirSync(from);
  for (const name of ["libonnxruntime.so.1", "libonnxruntime.2.dylib"])
    writeFileSync(join(from, name), `new ${name}`);
  keepLibrary(from, to);
  expect(readdirSync(to).sort()).toEqual(["libonnxruntime.2.dylib", "libonnxruntime.so.1"]);
  expect(readFileSync(join(to, "libonnxruntime.so.1"), "utf8")).toBe("new libonnxruntime.so.1");
});

test("nothing is kept in a clone, nor where there is nothing", () => {
  const { from, to } = folders();
  const clone = to.replace("node_modules/limn", "clone");
  keepLibrary(from, clone);
  keepLibrary(null, to);
  keepLibrary(join(from, "nowhere"), to);
  for (const folder of [clone, to]) expect(() => readdirSync(folder)).toThrow("ENOENT");
});

test("a missing library is said with what to do", () => {
  const { to } = folders();
  expect(() => libraryPath([null, to])).toThrow("ONNX Runtime is not installed");
  expect(() => libraryPath([to, to])).toThrow(/no library for \w+ on \w+/);
});
