/** @file Whether a prompt names anything that a small model knows, by the list its maker put beside it. */
import type { KnownThing } from "../pipelines/index.ts";

/** Words that belong to no thing. */
const empty = new Set(["a", "an", "the", "of", "on", "with"]);

/** Words of a text as they are compared: in small letters, with е for ё. */
function wordsOf(text: string): string[] {
  const words =
    text
      .toLowerCase()
      .replaceAll("ё", "е")
      .match(/[\p{L}\p{N}]+/gu) ?? [];
  return words.filter((word) => !empty.has(word));
}

/** Same word but for its ending: cat and cats, яблоко and яблоки. Generous, for a wrong doubt is worse than none. */
function alike(a: string, b: string): boolean {
  if (a === b) return true;
  let same = 0;
  while (same < a.length && a[same] === b[same]) same += 1;
  return same >= stem && Math.max(a.length, b.length) - same <= 2;
}

/** Letters that words must share at least to be forms of one. */
const stem = 3;
const stemOf = (word: string) => word.slice(0, stem);

/** Tells whether a prompt has a word of any thing's names. */
export function knower(things: readonly KnownThing[]): (prompt: string) => boolean {
  const names = things.flatMap((thing) => Object.values(thing).flat());
  const known = new Map<string, string[]>();
  for (const word of new Set(names.flatMap(wordsOf)))
    known.set(stemOf(word), [...(known.get(stemOf(word)) ?? []), word]);
  const knows = (word: string) => known.get(stemOf(word))?.some((other) => alike(word, other));
  return (prompt) => wordsOf(prompt).some((word) => knows(word) ?? false);
}
