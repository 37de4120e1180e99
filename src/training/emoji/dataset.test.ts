import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FormatError } from "../../base/index.ts";
import { buildEmojiDataset, tellingProgress, type BuildOptions } from "./build.node.ts";
import { chance } from "./chance.ts";
import { firstConcepts } from "./concepts.ts";
import { drawPicture, measureDrawing } from "./drawings.node.ts";
import { iconOf } from "./icons.ts";
import { loadDataset } from "./load.node.ts";
import type { DatasetIndex, DatasetSummary } from "./records.ts";
import { setNames } from "./sets.ts";
import { matchConcept, openNames, openSet, openWideConcepts } from "./sources.node.ts";

const few = firstConcepts.filter(({ en }) => ["red apple", "car", "heart"].includes(en));
const options = {
  concepts: few,
  sets: ["flat", "fx"], // the small files: every build parses them
  variants: 2,
  seed: 5,
  recolour: { colours: 2, variants: 1, heldOut: 0.2 },
} as const;
let root: string;
let summary: DatasetSummary;

async function build(name: string, change: Partial<BuildOptions> = {}): Promise<DatasetSummary> {
  const steps = buildEmojiDataset({ folder: join(root, name), ...options, ...change });
  for (;;) {
    const step = await steps.next();
    if (step.done) return step.value;
  }
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "limn-emoji-"));
  summary = await build("one");
});
afterAll(() => rm(root, { recursive: true, force: true }));

test("the same seed makes the same bytes, another seed others", async () => {
  expect((await build("two")).sha256).toBe(summary.sha256);
  expect(await readFile(join(root, "two/images.u8"))).toEqual(
    await readFile(join(root, "one/images.u8")),
  );
  expect((await build("three", { seed: 6 })).sha256).not.toBe(summary.sha256);
});

test("a thing's pictures do not depend on its neighbours", async () => {
  await build("reversed", { concepts: [...few].reverse() });
  using one = await loadDataset(join(root, "one"));
  using other = await loadDataset(join(root, "reversed"));
  const prints = (set: typeof one) =>
    Array.from({ length: set.count }, (_, k) => set.item(k).sha256).sort();
  expect(prints(other)).toEqual(prints(one));
});

test("picture k is what record k says: drawn again from the record alone", async () => {
  const sets = options.sets.map(openSet);
  using data = await loadDataset(join(root, "one"));
  expect(data.count).toBe(summary.counts.pictures);
  for (let k = 0; k < data.count; k++) {
    const { set, icon, placement, colour } = data.item(k);
    const { file } = sets.find(({ name }) => name === set)!;
    const drawing = await measureDrawing(iconOf(file, icon)!, data.size);
    expect(data.picture(k), `picture ${k}`).toEqual(await drawPicture(drawing, placement, colour));
  }
});

test("a plain first variant agrees with sharp's own rendering of the icon", async () => {
  using data = await loadDataset(join(root, "one"));
  const k = Array.from({ length: data.count }, (_, i) => i).find(
    (i) => data.item(i).set === "flat" && data.concepts[data.item(i).concept].words.en === "car",
  )!;
  const icon = iconOf(openSet("flat").file, "automobile")!;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${icon.width} ${icon.height}" width="512" height="512">${icon.body}</svg>`;
  // Cut to its ink, 112 pixels long, in the middle of 128: what the builder promises, by other means.
  const cut = await sharp(Buffer.from(svg)).trim({ threshold: 1 }).png().toBuffer();
  const fitted = sharp(cut).resize(112, 112, { fit: "contain", background: "#fff" });
  const framed = await fitted
    .extend({ top: 8, bottom: 8, left: 8, right: 8, background: "#fff" })
    .flatten({ background: "#fff" })
    .raw()
    .toBuffer();
  const picture = data.picture(k);
  let difference = 0;
  for (let i = 0; i < picture.length; i++)
    difference += Math.abs(picture[i] - framed[3 * (i % 16384) + Math.floor(i / 16384)]);
  expect(difference / picture.length).toBeLessThan(4); // edges: resampling differs by a fraction of a pixel
});

test("captions name the record's thing and colour", async () => {
  using data = await loadDataset(join(root, "one"));
  const shares = { empty: 0, russian: 0, style: 0, tags: 0, otherName: 0, ownColour: 0 };
  for (let k = 0; k < data.count; k++) {
    const { concept, colour } = data.item(k);
    const noun = data.concepts[concept].words.en.replace("red ", "");
    expect(data.caption(k, chance(1, k), shares)).toContain(colour ? `${colour} ${noun}` : noun);
  }
});

test("held-out pairs of thing and colour are never shown", async () => {
  using data = await loadDataset(join(root, "one"));
  const shown = new Set(
    Array.from({ length: data.count }, (_, k) => {
      const { concept, colour } = data.item(k);
      return `${data.concepts[concept].words.en} ${colour}`;
    }),
  );
  expect(summary.heldOut.length).toBeGreaterThan(0);
  for (const [thing, colour] of summary.heldOut) expect(shown).not.toContain(`${thing} ${colour}`);
  expect(summary.counts.recoloured).toBeGreaterThan(6);
});

test("pictures in another order than their records are refused", async () => {
  await build("swapped", { variants: 1, recolour: null });
  const path = join(root, "swapped/images.u8");
  const bytes = await readFile(path);
  const size = 3 * 128 * 128;
  const swapped = [bytes.subarray(size, 2 * size), bytes.subarray(0, size)];
  await writeFile(path, Buffer.concat([...swapped, bytes.subarray(2 * size)]));
  await expect(loadDataset(join(root, "swapped"))).rejects.toThrow(/picture 0 is not the recorded/);
  await writeFile(path, bytes.subarray(1));
  await expect(loadDataset(join(root, "swapped"))).rejects.toThrow(FormatError);
});

test("a picture that is cut off after opening is not taken for a black one", async () => {
  await build("cut", { variants: 1, recolour: null });
  using data = await loadDataset(join(root, "cut"));
  await truncate(join(root, "cut/images.u8"), 3 * 128 * 128 * 1.5);
  expect(data.picture(0)).toHaveLength(3 * 128 * 128);
  expect(() => data.picture(1)).toThrow("it ends within picture 1");
});

test("an index that is not whole is refused with the place", async () => {
  const folder = join(root, "broken");
  await build("broken", { variants: 1, recolour: null });
  const file = join(folder, "items.json");
  const text = await readFile(file, "utf8");
  const refusal = async (change: (index: DatasetIndex) => unknown) => {
    const index = JSON.parse(text) as DatasetIndex;
    await writeFile(file, JSON.stringify(change(index) ?? index));
    const error: unknown = await loadDataset(folder).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FormatError);
    return (error as FormatError).message.replace(`${folder} is no data set: ${file}`, "…");
  };
  const set = (object: object, key: string, value: unknown) =>
    void Object.assign(object, { [key]: value });
  expect(await refusal(() => [])).toBe("… must be a JSON object, but it is an array");
  expect(await refusal((index) => set(index, "items", 3))).toMatch("…, items must be a list, got");
  expect(await refusal(({ items }) => set(items[2], "concept", 99))).toMatch(
    "…, items[2], concept must be a whole number from 0 to 2, got 99",
  );
  expect(await refusal(({ items }) => set(items[0], "set", "swoosh"))).toMatch("items[0], set");
  expect(await refusal(({ items }) => set(items[0], "colour", undefined))).toMatch("colour");
  expect(await refusal(({ items }) => set(items[0].placement, "scale", "1"))).toMatch("a number");
  expect(await refusal(({ concepts }) => set(concepts[1].words, "also", [1]))).toBe(
    "…, concepts[1], words, also must be a list of texts, got [1]",
  );
  await writeFile(file, text.slice(0, -1));
  await expect(loadDataset(folder)).rejects.toThrow("the text ends");
  await writeFile(file, text);
  (await loadDataset(folder))[Symbol.dispose]();
});

test("the first hundred things have words in both languages and three drawings", () => {
  const [names, sets] = [openNames(), setNames.map(openSet)];
  expect(firstConcepts).toHaveLength(100);
  for (const concept of firstConcepts) {
    const { drawings } = matchConcept(concept, names, sets);
    expect(drawings.length, concept.en).toBeGreaterThanOrEqual(3);
    expect(concept.ru).toMatch(/^[а-яё -]+$/);
  }
  const english = firstConcepts.flatMap(({ en, also = [] }) => [en, ...also]);
  expect(new Set(english).size).toBe(english.length);
  for (const needed of ["red apple", "cat", "house", "heart", "car"])
    expect(english).toContain(needed);
});

test("the wider list has no thing twice, only drawings that exist, and Russian names", () => {
  const [names, sets] = [openNames(), setNames.map(openSet)];
  const wide = openWideConcepts(3);
  expect(wide.slice(0, 100)).toEqual(firstConcepts);
  expect(wide.length).toBeGreaterThan(380);
  expect(openWideConcepts(2).length).toBeGreaterThan(540);
  for (const column of ["label", "en"] as const)
    expect(new Set(wide.map((concept) => concept[column])).size).toBe(wide.length);
  for (const concept of wide) {
    expect(matchConcept(concept, names, sets).drawings.length).toBeGreaterThanOrEqual(3);
    expect(concept.ru, concept.en).toMatch(/^[А-Яа-яёЁ -]+$/);
    expect(concept.label).not.toMatch(/o’clock|person|heart with|oncoming/);
  }
  // A cat's face and a whole cat would be two pictures of one name.
  expect(wide.map(({ label }) => label)).not.toContain("cat");
});

test("a long build tells ten times how far it is, and hands on its result", async () => {
  async function* building() {
    for (let done = 1; done <= 200; done++) yield await Promise.resolve({ done, total: 200 });
    return "summary";
  }
  const telling = tellingProgress(building());
  const texts: string[] = [];
  let next = await telling.next();
  for (; !next.done; next = await telling.next()) texts.push(next.value);
  expect(next.value).toBe("summary");
  expect(texts).toHaveLength(10);
  expect(texts[0]).toBe("drawing the pictures of concept 20 of 200");
});
