/** @file What hostile files get that are only looked at: the same as files that are read. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { FormatError } from "../base/index.ts";
import { inspect } from "./index.ts";

const root = "tests/goldens/formats";
const { files } = JSON.parse(readFileSync(`${root}/hostile/hostile.json`, "utf8")) as {
  files: { file: string; must: string; why: string }[];
};

/** May be read with a remark, and are refused instead. */
const exceptions = /\/(svg-entity\.svg|f8\.safetensors)$/;

const cases = files
  .filter(({ file }) => /^hostile\/(images|safetensors)\//.test(file))
  .filter(({ file }) => /\.(png|jpg|gif|webp|svg|safetensors)$/.test(file))
  .filter(({ file }) => !exceptions.test(file));

test.each(cases)("$must $file: $why", async ({ file, must }) => {
  const start = performance.now();
  const found: unknown = await inspect(`${root}/${file}`).catch((error: unknown) => error);
  expect(performance.now() - start).toBeLessThan(3000);
  if (must !== "refuse") return expect(found).toMatchObject({ path: `${root}/${file}` });
  expect(found).toBeInstanceOf(FormatError);
  expect((found as FormatError).message).toMatch(/^[^\p{Cc}]{15,500}$/u);
});
