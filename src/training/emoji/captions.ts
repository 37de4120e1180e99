/** @file Captions in English and Russian, drawn anew from one picture's record whenever it is shown. */
import { pick, pickSome, type Chance } from "./chance.ts";
import { isColourWord, russianColour, withoutColour, type ColourName } from "./colours.ts";
import type { Countability } from "./concepts.ts";
import { agreementOf } from "./russian.ts";
import { emojiSets, type SetName } from "./sets.ts";

/** The words for one thing. */
export interface ConceptWords {
  readonly en: string;
  readonly ru: string;
  readonly also: readonly string[];
  readonly alsoRu: readonly string[];
  readonly countability: Countability;
  readonly tags: readonly string[];
  readonly tagsRu: readonly string[];
}

/** What the picture shows beside the thing: its set, and its colour where that is not the drawing's own. */
export interface CaptionSubject {
  readonly words: ConceptWords;
  readonly set: SetName;
  readonly colour: ColourName | null;
  /** The colour that the drawing mostly has by itself, if one stands out. */
  readonly ownColour: ColourName | null;
}

/** How often a caption is empty, Russian, names the style, tags, another name, or the drawing's own colour. */
export interface CaptionShares {
  readonly empty: number;
  readonly russian: number;
  readonly style: number;
  readonly tags: number;
  readonly otherName: number;
  readonly ownColour: number;
}

/** Shares that made a pleasant mix. */
export const captionShares: CaptionShares = {
  empty: 0.1,
  russian: 0.25,
  style: 0.6,
  tags: 0.12,
  otherName: 0.15,
  ownColour: 0.2,
};

/** "a" or "an" by the sound that the phrase begins with. */
export function indefiniteArticle(phrase: string): "a" | "an" {
  if (/^(uni[^mn]|use|eu|one|ufo|t-)/i.test(phrase)) return "a";
  return /^[aeiou]/i.test(phrase) ? "an" : "a";
}

/** Puts an article before a phrase in most captions, "the" only before what is one of a kind. */
function withArticle(phrase: string, countability: Countability, chance: number): string {
  if (countability === "plural" || chance < 0.15) return phrase;
  if (countability === "unique" && chance < 0.5) return `the ${phrase}`;
  return `${indefiniteArticle(phrase)} ${phrase}`;
}

function thing(
  draw: Chance,
  subject: CaptionSubject,
  language: "en" | "ru",
  shares: CaptionShares,
) {
  const { words } = subject;
  const main = language === "en" ? words.en : words.ru;
  const others = [...(language === "en" ? words.also : words.alsoRu)];
  if (withoutColour(main) !== main) others.push(withoutColour(main));
  const name = draw() < shares.otherName && others.length > 0 ? pick(draw, others) : main;
  const nameOwn = draw() < shares.ownColour && withoutColour(main) === main;
  const colour = subject.colour ?? (nameOwn ? subject.ownColour : null);
  const bare = colour === null ? name : withoutColour(name);
  if (language === "en")
    return withArticle(colour === null ? bare : `${colour} ${bare}`, words.countability, draw());
  return colour === null ? bare : `${russianColour(colour, agreementOf(bare))} ${bare}`;
}

function tagsOf(draw: Chance, subject: CaptionSubject, language: "en" | "ru"): string[] {
  const { tags, tagsRu } = subject.words;
  const fitting = (language === "en" ? tags : tagsRu).filter(
    (tag) => !tag.split(" ").some(isColourWord),
  );
  return pickSome(draw, fitting, 2);
}

/** One caption of a picture: `a red apple`, `a blue apple, flat style`, `красное яблоко`, or nothing. */
export function drawCaption(
  draw: Chance,
  subject: CaptionSubject,
  shares: CaptionShares = captionShares,
): string {
  if (draw() < shares.empty) return "";
  const language = draw() < shares.russian ? "ru" : "en";
  const parts = [thing(draw, subject, language, shares)];
  if (draw() < shares.tags) parts.push(...tagsOf(draw, subject, language));
  if (draw() < shares.style) parts.push(styleWords(subject.set, language));
  const caption = parts.join(", ");
  // Both spellings of ё are ordinary Russian, so the model must know both.
  return draw() < 0.5 ? caption : caption.replaceAll("ё", "е").replaceAll("Ё", "Е");
}

/** The words that ask for a set's look. */
export function styleWords(set: SetName, language: "en" | "ru"): string {
  return language === "en" ? emojiSets[set].englishStyle : emojiSets[set].russianStyle;
}

/** The caption to ask for a thing with: `a red apple`, `cherries`, `the sun`, `a blue car`. */
export function promptFor(
  words: Pick<ConceptWords, "en" | "countability">,
  colour: ColourName | null = null,
): string {
  const phrase = colour === null ? words.en : `${colour} ${withoutColour(words.en)}`;
  return withArticle(phrase, words.countability, words.countability === "unique" ? 0.4 : 1);
}
