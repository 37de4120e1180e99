/** @file Which prompts name something that the embedded model knows. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseRecommendations } from "../pipelines/index.ts";
import { firstConcepts } from "../training/index.ts";
import { knower } from "./known-words.ts";

const path = "models/emblem/limn.json";
const things = parseRecommendations(readFileSync(path, "utf8"), path).knows ?? [];
const knows = knower(things);

// Comparing each word of the one with each of the other takes longer than any test may.
test("many prompts are looked for among many things", () => {
  const words = (count: number, ending: string) =>
    Array.from(
      { length: count },
      (_, i) => `${(i % 36 ** 3).toString(36).padStart(3, "0")}${ending}${i}`,
    );
  const known = knower(words(200_000, "known").map((en) => ({ en: [en] })));
  expect(words(50_000, "strange").filter(known)).toEqual([]);
  expect(words(50_000, "known").every(known)).toBe(true);
});

test("nonsense is not known", () => {
  expect(knows("nonsense of a kind")).toBe(false);
});

test("emblem's list has every name of the first things", () => {
  const listed = new Set(things.flatMap((thing) => Object.values(thing).flat()));
  const names = firstConcepts.flatMap(({ en, ru, also = [], alsoRu = [] }) => [
    en,
    ru,
    ...also,
    ...alsoRu,
  ]);
  expect(names.filter((name) => !listed.has(name))).toEqual([]);
});

test.each([
  "a red apple",
  "Cats!",
  "two dogs in the rain",
  "красное яблоко",
  "ЕЛКА",
  "красные яблоки",
  "TV",
  "t-shirt, flat style",
])("%s is known", (prompt) => {
  expect(knows(prompt)).toBe(true);
});

test.each(["", "of the", "democracy", "a catfish", "философия", "!!!", "的"])(
  "%s is not",
  (prompt) => {
    expect(knows(prompt)).toBe(false);
  },
);
