/** @file Files that must be refused, and odd ones that must be read: nothing runs, hangs or grows. */
import { existsSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, test } from "vitest";
import { FormatError } from "../base/index.ts";
import { countNotFinite } from "./float16.ts";
import { readImage, readPictureTexts } from "./image.node.ts";
import { parseInfotext } from "./infotext.ts";
import { openSafetensors, readAsF32 } from "./safetensors.node.ts";

interface Case {
  file: string;
  must: "refuse" | "accept" | "accept-with-report";
  why: string;
  tensors?: string[];
  size?: [number, number];
  text?: string;
}
const root = "tests/goldens/formats";
const { files } = JSON.parse(readFileSync(`${root}/hostile/hostile.json`, "utf8")) as {
  files: Case[];
};
const casesOf = (folder: string) =>
  files
    .filter(({ file }) => file.startsWith(`hostile/${folder}/`))
    .map((c) => [c.file, c] as const);

/** Runs a reader; a refusal must be a sentence that a terminal can show. */
async function attempt<T>(read: () => Promise<T>): Promise<T | FormatError> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    expect(error.message).toMatch(/^[^\p{Cc}]{15,500}$/u);
    return error;
  }
}

afterEach(() => {
  for (const folder of [".", root, `${root}/hostile`, `${root}/hostile/safetensors`])
    expect(existsSync(`${folder}/LIMN_PWNED`)).toBe(false);
  expect(Object.keys(Object.prototype)).toEqual([]);
});

/** Everything a checkpoint reader does: index, all values, and what is odd about them. */
async function readAll(path: string): Promise<{ names: string[]; remarks: string[] }> {
  const index = await openSafetensors(path);
  const remarks = [...index.remarks];
  for (const [name, tensor] of index.tensors) {
    const { nan, infinite } = countNotFinite(await readAsF32(tensor));
    if (nan + infinite > 0) remarks.push(`${name}: ${nan} NaN, ${infinite} infinite`);
  }
  return { names: [...index.tensors.keys()], remarks };
}

/** Might be accepted with a report, and are refused: the error is the report. */
const refusedInstead: readonly string[] = [
  "hostile/safetensors/f8.safetensors",
  "hostile/images/svg-entity.svg",
];

describe("safetensors", () => {
  test.each(casesOf("safetensors"))("%s", async (file, { must, why, tensors }) => {
    const found = await attempt(() => readAll(`${root}/${file}`));
    if (must === "refuse") return expect(found, why).toBeInstanceOf(FormatError);
    if (refusedInstead.includes(file)) return expect(found, why).toBeInstanceOf(FormatError);
    expect(found, why).not.toBeInstanceOf(FormatError);
    if (found instanceof FormatError) return;
    if (must === "accept-with-report") expect(found.remarks, why).not.toEqual([]);
    else expect(found.remarks).toEqual([]);
    if (tensors) expect(found.names.toSorted()).toEqual(tensors.toSorted());
  });

  test.each([
    ["not-finite", "a: 1 NaN, 2 infinite"],
    ["not-finite-f16", "a: 1 NaN, 1 infinite"],
  ])("%s is counted number by number", async (file, remark) => {
    const { remarks } = await readAll(`${root}/hostile/safetensors/${file}.safetensors`);
    expect(remarks).toEqual([remark]);
  });
});

/** Their pictures are plain; what is odd is metadata of other programs, which other readers judge. */
const oddMetadata = ["hostile/images/comfyui-cycle.png", "hostile/images/invokeai-types.png"];

describe("images", () => {
  test.each(casesOf("images"))("%s", async (file, { must, why, size, text }) => {
    const path = `${root}/${file}`;
    const found = await attempt(async () => {
      const { image, remarks } = await readImage(path);
      const bytes = readFileSync(path);
      const texts = await readPictureTexts(bytes, file);
      const infotext = texts.texts.get("parameters");
      if (infotext !== undefined) parseInfotext(infotext);
      return { image, infotext, remarks: [...remarks, ...texts.remarks] };
    });
    if (must === "refuse") return expect(found, why).toBeInstanceOf(FormatError);
    if (refusedInstead.includes(file)) return expect(found, why).toBeInstanceOf(FormatError);
    expect(found, why).not.toBeInstanceOf(FormatError);
    if (found instanceof FormatError) return;
    if (must === "accept-with-report" && !oddMetadata.includes(file))
      return expect(found.remarks, why).not.toEqual([]);
    expect(found.remarks).toEqual([]);
    if (size) expect([found.image.width, found.image.height]).toEqual(size);
    if (text !== undefined) expect(found.infotext).toBe(text);
  });

  // The square of these lengths takes longer than any test may.
  test("a hostile infotext is read once, and not again for each of its characters", () => {
    const words = "a b ".repeat(100_000);
    const hostile = `${words}\nKey: "${'\\"'.repeat(100_000)}, ${words}, k: ${":".repeat(100_000)}`;
    expect(parseInfotext(hostile).prompt).toContain("a b a b");
  });
});

test("all of it together took no big allocation", () => {
  // Node, vitest and sharp take about 200 MB; header-huge or a bomb would take gigabytes.
  expect(process.resourceUsage().maxRSS / 1024).toBeLessThan(600);
});
