/** @file What is said where the packages of the emoji data set are not installed. */
import { expect, test } from "vitest";
import { missingPackages } from "./sources.node.ts";

/** Finds files of the packages that are installed, as Node.js does. */
const only = (installed: readonly string[]) => (file: string) => {
  if (!installed.some((name) => file.startsWith(`${name}/`))) throw new Error("no such module");
  return file;
};

test("all packages that are missing are named at once", () => {
  expect(missingPackages(["emojibase-data"], only([]))).toEqual([
    "emojibase-data",
    "@iconify-json/fluent-emoji-flat",
    "@iconify-json/noto",
    "@iconify-json/noto-v1",
    "@iconify-json/fxemoji",
  ]);
  const some = only(["emojibase-data", "@iconify-json/noto", "@iconify-json/fxemoji"]);
  expect(missingPackages(["@iconify-json/noto-v1"], some)).toEqual([
    "@iconify-json/noto-v1",
    "@iconify-json/fluent-emoji-flat",
  ]);
});

test("in a clone none is missing", () => {
  expect(missingPackages([])).toEqual([]);
});
