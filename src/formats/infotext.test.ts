/** @file Infotext against the pictures and expectations of the goldens, and against the rule's own regexp. */
import { readFileSync } from "node:fs";
import sharp from "sharp";
import { expect, test } from "vitest";
import { TorchRandom } from "../base/index.ts";
import { parseInfotext, printInfotext } from "./infotext.ts";
import { readGifComment, readUserComment } from "./exif.ts";
import { readPictureTexts } from "./image.node.ts";

interface Case {
  file: string;
  kind: string;
  expected: { prompt: string; negative: string; parameters: Record<string, string> };
  text: string;
}
const folder = "tests/goldens/formats";
const { files } = JSON.parse(readFileSync(`${folder}/pictures/pictures.json`, "utf8")) as {
  files: Case[];
};
const a1111 = files.filter((file) => file.kind === "a1111");

test.each(a1111.map((c) => [c.file, c] as const))("%s is read", (_, { text, expected }) => {
  const { prompt, negative, parameters } = parseInfotext(text);
  expect({ prompt, negative, parameters: Object.fromEntries(parameters) }).toEqual(expected);
});

test.each(a1111.map((c) => [c.file, c] as const))("%s survives printing", (_, { text }) => {
  const parsed = parseInfotext(text);
  const printed = printInfotext(parsed);
  expect(parseInfotext(printed)).toEqual(parsed);
  // These two have keys in an order that A1111 itself does not use.
  if (!/Wildcard prompt|Eta/.test(text)) expect(printed).toBe(text);
});

test.each(a1111.map((c) => [c.file, c] as const))(
  "the text of %s is found in the picture",
  async (file, { text }) => {
    const found = await readPictureTexts(readFileSync(`${folder}/${file}`), file);
    expect(found.texts.get("parameters")).toBe(text);
    expect(found.remarks).toEqual([]);
  },
);

test("a picture without parameters says nothing", async () => {
  for (const file of ["pictures/plain.png", "hostile/images/progressive.jpg"]) {
    const { texts } = await readPictureTexts(readFileSync(`${folder}/${file}`), file);
    expect(texts.size).toBe(0);
  }
});

test("comments cut anywhere or with any byte changed are read without harm", async () => {
  for (const name of ["a1111-little-endian.jpg", "a1111.gif"]) {
    const bytes = readFileSync(`${folder}/pictures/${name}`);
    const { exif } = await sharp(bytes).metadata();
    const [read, block] = exif ? [readUserComment, exif] : [readGifComment, bytes];
    for (let at = 0; at < block.length; at += 1) {
      const damaged = Uint8Array.from(block);
      damaged[at] ^= 0xff;
      for (const found of [read(damaged), read(damaged.subarray(0, at))])
        if (found !== undefined) expect(found).toEqual({ text: expect.any(String) as string });
    }
  }
});

/** A1111's published rule as it stands: too slow for hostile text, right for short ones. */
function byRegexp(line: string): Map<string, string> {
  const rule = /\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)/g;
  const pairs = [...line.matchAll(rule)];
  const found = new Map<string, string>();
  for (const [, key, value] of pairs.length >= 3 ? pairs : []) {
    const size = /^(\d+)x(\d+)$/.exec(value);
    if (size) found.set(`${key}-1`, size[1]).set(`${key}-2`, size[2]);
    else found.set(key, value === '"a,b"' ? "a,b" : value);
  }
  return found;
}

test("the scanner finds what the regexp finds", () => {
  const pieces = [
    "Key: ",
    "ab:",
    ", ",
    ",",
    "xy/z-: ",
    '"a,b"',
    '"',
    "\\x",
    "1x2",
    " ",
    "-",
    ":",
    "a",
    "(",
  ];
  const random = new TorchRandom(0);
  let compared = 0;
  for (let round = 0; round < 20_000; round += 1) {
    const picks = random.integers(0, pieces.length, 20);
    const line = picks
      .map((i) => pieces[i])
      .join("")
      .trim();
    const expected = byRegexp(line);
    if ([...expected.values()].some((value) => value.startsWith('"'))) continue; // other quotes
    if (expected.size > 0) compared += 1;
    expect(parseInfotext(`p\n${line}`).parameters, line).toEqual(expected);
  }
  expect(compared).toBeGreaterThan(1000);
});

test("values that would break the line are quoted, names of JavaScript stay text", () => {
  const parameters = new Map([
    ["Version", "limn"],
    ["__proto__", 'a "b", c:\nd'],
    ["Steps", "1"],
    ["Tiling", "Tiling"],
  ]);
  const printed = printInfotext({ prompt: "p", negative: "", parameters });
  expect(printed).toBe('p\nSteps: 1, Tiling, __proto__: "a \\"b\\", c:\\nd", Version: limn');
  const again = parseInfotext(printed.replace("Tiling, ", "Seed: 2, "));
  expect(again.parameters.get("__proto__")).toBe('a "b", c:\nd');
});
