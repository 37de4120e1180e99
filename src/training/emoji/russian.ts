/** @file Which form of an adjective a Russian name asks for, told by the ending of its first word. */
import type { Agreement } from "./colours.ts";

/** Nouns in -ь are feminine but for these (among things that pictures show). */
const masculineSoft = new Set(
  "якорь медведь фонарь корабль автомобиль голубь календарь огонь картофель олень тюлень лебедь конь гусь кремень нарцисс дождь рояль циркуль руль портфель пень гвоздь конь секундомерь".split(
    " ",
  ),
);
/** Indeclinable loans: neuter whatever they end in. */
const indeclinable = new Set("такси киви суши сари кимоно какао желе пони".split(" "));

const adjectiveEndings: readonly [RegExp, Agreement][] = [
  [/(ый|ий|ой)$/, "masculine"],
  [/(ая|яя|ья)$/, "feminine"],
  [/(ое|ее)$/, "neuter"],
  [/(ые|ие)$/, "plural"],
];

/** The agreement of a name in the nominative: its first word is an adjective that shows it, or the noun itself. */
export function agreementOf(name: string): Agreement {
  const words = name.toLowerCase().split(/[\s-]/);
  const head = words[0];
  // Nouns such as "привидение" end like plural adjectives, so a lone word is taken as a noun.
  if (words.length > 1)
    for (const [ending, agreement] of adjectiveEndings) if (ending.test(head)) return agreement;
  if (indeclinable.has(head)) return head === "пони" ? "masculine" : "neuter";
  if (/[ыи]$/.test(head)) return "plural";
  if (/[ая]$/.test(head)) return "feminine";
  if (/[оеё]$/.test(head)) return "neuter";
  if (head.endsWith("ь")) return masculineSoft.has(head) ? "masculine" : "feminine";
  return "masculine";
}
