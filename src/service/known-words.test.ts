/** @file Which prompts name something that the embedded model knows. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { parseRecommendations } from "../pipelines/index.ts";
import { firstConcepts } from "../training/index.ts";
import { knower } from "./known-words.ts";

const path = "models/emblem/limn.json";
const things = parseRecommendations(readFileSync(path, "utf8"), path).knows ?? [];
const knows = knower(things);

test("many prompts are read in no time", () => {
  const many = Array.from({ length: 20_000 }, (_, i) => `nonsense${i} of a kind${i}`);
  const before = performance.now();
  expect(many.filter(knows)).toEqual([]);
  expect(performance.now() - before).toBeLessThan(2000);
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
