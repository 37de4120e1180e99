/** @file Opens the installed emoji packages and matches each concept with its words and drawings. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { assert, LimnError, RequestError } from "../../base/index.ts";
import type { ConceptWords } from "./captions.ts";
import { firstConcepts, type Concept } from "./concepts.ts";
import { iconNamesByKey, iconOf, matchKey, type Icon, type IconFile } from "./icons.ts";
import { emojiSets, setNames, type SetName } from "./sets.ts";
import { wideConcepts, type Candidate } from "./wide-concepts.ts";

/** One entry of emojibase-data in one language. */
export interface EmojiEntry {
  readonly label: string;
  readonly hexcode: string;
  readonly tags?: readonly string[];
  readonly group?: number;
  readonly subgroup?: number;
}

/** A package that a data set was made from. */
export interface Source {
  readonly package: string;
  readonly version: string;
  readonly licence: string;
}

/** Labels and tags of all emoji in both languages, by match key of the English label. */
export interface EmojiNames {
  readonly source: Source;
  readonly english: ReadonlyMap<string, EmojiEntry>;
  readonly russian: ReadonlyMap<string, EmojiEntry>;
}

/** One opened set. */
export interface OpenSet {
  readonly name: SetName;
  readonly source: Source;
  readonly file: IconFile;
  readonly iconNames: ReadonlyMap<string, string>;
}

const require = createRequire(import.meta.url);

/** Reads one JSON file of an installed package; says how to install it when it is missing. */
function readPackaged(name: string, file: string): unknown {
  try {
    return JSON.parse(readFileSync(require.resolve(`${name}/${file}`), "utf8"));
  } catch (cause) {
    throw new LimnError("data", `the emoji data set needs ${file} of the package ${name}`, {
      hint: `npm install --save-dev ${missingPackages([name]).join(" ")}`,
      cause,
    });
  }
}

/** The package that was missed and those that would be missed next: one install brings them all. */
export function missingPackages(
  missed: readonly string[],
  resolve: (file: string) => string = require.resolve,
): string[] {
  const all = ["emojibase-data", ...setNames.map((name) => emojiSets[name].package)];
  const missing = all.filter((name) => {
    try {
      resolve(`${name}/package.json`);
      return false;
    } catch {
      return true;
    }
  });
  return [...new Set([...missed, ...missing])];
}

function sourceOf(name: string): Source {
  const { version, license } = readPackaged(name, "package.json") as {
    version: string;
    license: string;
  };
  return { package: name, version, licence: license };
}

/** Opens emojibase's English and Russian names. */
export function openNames(): EmojiNames {
  const entries = (language: string) =>
    readPackaged("emojibase-data", `${language}/data.json`) as EmojiEntry[];
  return {
    source: sourceOf("emojibase-data"),
    english: new Map(entries("en").map((entry) => [matchKey(entry.label), entry])),
    russian: new Map(entries("ru").map((entry) => [entry.hexcode, entry])),
  };
}

/** Opens one set and checks that its licence is still the one recorded here. */
export function openSet(name: SetName): OpenSet {
  const set = emojiSets[name];
  const source = sourceOf(set.package);
  assert(
    source.licence === set.licence,
    `${set.package} is under ${source.licence}, not ${set.licence}`,
  );
  const file = readPackaged(set.package, "icons.json") as IconFile;
  return { name, source, file, iconNames: iconNamesByKey(file) };
}

/** The first concepts and all further ones with drawings in at least `least` of the sets. */
export function openWideConcepts(
  least: number,
  chosen: readonly SetName[] = setNames,
  first: readonly Concept[] = firstConcepts,
): Concept[] {
  const names = openNames();
  const sets = chosen.map(openSet);
  const candidates = [...names.english.values()].map(
    ({ label, hexcode, group = -1, subgroup = -1 }): Candidate => {
      const having = sets.filter(({ iconNames }) => iconNames.has(matchKey(label)));
      const russian = names.russian.get(hexcode)?.label ?? label;
      return { label, russian, group, subgroup, sets: having.map(({ name }) => name) };
    },
  );
  return wideConcepts(first, candidates, least);
}

/** Words and drawings of one concept. */
export interface MatchedConcept {
  readonly hexcode: string;
  readonly words: ConceptWords;
  /** Whether another colour makes sense: not for people, faces and cooked food. */
  readonly recolourable: boolean;
  readonly drawings: readonly {
    readonly set: SetName;
    readonly name: string;
    readonly icon: Icon;
  }[];
}

/** Tags that are slang or say nothing about a picture. */
const idleTags = new Set(
  `af lit litaf slay drove tbt adorbs bday booze rawr hrs major where strat left-pointing showing
  gay genderqueer glbt glbtq lesbian lgbt lgbtq lgbtqia queer trans transgender`.split(/\s+/),
);

/** Finds a concept's words in emojibase and its drawings in the sets, by label or by the icon named for it. */
export function matchConcept(
  concept: Concept,
  names: EmojiNames,
  sets: readonly OpenSet[],
): MatchedConcept {
  const entry = names.english.get(matchKey(concept.label));
  if (entry === undefined)
    throw new RequestError("concepts", `emojibase has no emoji labelled "${concept.label}"`);
  const drawings = sets.flatMap((set) => {
    const wanted = concept.icons?.[set.name];
    if (wanted === null) return [];
    const name = set.iconNames.get(matchKey(wanted ?? concept.label));
    const icon = name === undefined ? undefined : iconOf(set.file, name);
    if (wanted !== undefined && icon === undefined)
      throw new RequestError("concepts", `${set.source.package} has no icon "${wanted}"`);
    return name === undefined || icon === undefined ? [] : [{ set: set.name, name, icon }];
  });
  const words = wordsOf(concept, entry, names);
  return { hexcode: entry.hexcode, words, recolourable: mayRecolour(entry), drawings };
}

function wordsOf(concept: Concept, entry: EmojiEntry, names: EmojiNames): ConceptWords {
  const russian = names.russian.get(entry.hexcode);
  const said = new Set([concept.en, concept.ru].flatMap((name) => name.toLowerCase().split(" ")));
  const fresh = (tags: readonly string[] = []) =>
    tags.filter((tag) => !idleTags.has(tag) && !tag.split(" ").some((word) => said.has(word)));
  return {
    en: concept.en,
    ru: concept.ru,
    also: concept.also ?? [],
    alsoRu: concept.alsoRu ?? [],
    countability: concept.countability ?? "count",
    tags: fresh(entry.tags),
    tagsRu: fresh(russian?.tags),
  };
}

/** Emojibase groups whose colours belong to the thing: faces (but not hearts), people, cooked food, drinks. */
function mayRecolour({ group = 0, subgroup = 0 }: EmojiEntry): boolean {
  const [smileys, people, heart, prepared, drinks] = [0, 1, 14, 44, 47];
  if (group === smileys) return subgroup === heart;
  return group !== people && !(subgroup >= prepared && subgroup <= drinks);
}
