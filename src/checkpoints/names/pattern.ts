/** @file Foreign weight names as data: a table of patterns, read in either direction. */
import { assert } from "../../base/index.ts";

/** A foreign name and limn's (diffusers') own; `{word}` stands for the same text on both sides, `{word:n}` for digits. */
export type NamePattern = readonly [foreign: string, own: string];

/** Renames by the first pattern that fits; null where none does. */
export interface NameTable {
  toOwn(name: string): string | null;
  toForeign(name: string): string | null;
}

/** The table of the given patterns, both directions made from the same rows. */
export function nameTable(patterns: readonly NamePattern[]): NameTable {
  return {
    toOwn: renamer(patterns),
    toForeign: renamer(patterns.map(([foreign, own]) => [own, foreign])),
  };
}

function renamer(rows: readonly (readonly [string, string])[]): (name: string) => string | null {
  const rules = rows.map(([from, to]) => ({ match: matcher(from), to }));
  return (name) => {
    for (const { match, to } of rules) {
      const words = match.exec(name)?.groups;
      if (words) return to.replace(/\{(\w+)(?::n)?\}/g, (_, word: string) => words[word]);
    }
    return null;
  };
}

function matcher(pattern: string): RegExp {
  assert(pattern.includes("{"), `the name pattern ${pattern} has no {word}`);
  const source = pattern
    .replace(/[.*+?^$()|[\]\\]/g, "\\$&")
    .replace(/\{(\w+):n\}/g, "(?<$1>\\d+)")
    .replace(/\{(\w+)\}/g, "(?<$1>.+)");
  return new RegExp(`^${source}$`);
}
