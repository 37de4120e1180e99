/** @file `limn.json`: what a model's maker recommends, beside the model. */
import { FormatError, shown } from "../base/index.ts";
import { isJsonObject, jsonObject, parseJson, type JsonValue } from "../formats/index.ts";

/** Names of one thing that a model draws, by language: { en: ["eggplant", "aubergine"], ru: ["баклажан"] }. */
export type KnownThing = Readonly<Record<string, readonly string[]>>;

/** Recommended settings; null where the maker says nothing. */
export interface Recommendations {
  readonly description: string | null;
  readonly steps: number | null;
  readonly guidance: number | null;
  readonly width: number | null;
  readonly height: number | null;
  readonly sampler: string | null;
  readonly schedule: string | null;
  readonly negative: string | null;
  /** All things that a small model can draw. */
  readonly knows: readonly KnownThing[] | null;
}

/** What the text of a `limn.json` at `path` says; undefined, for a folder without one, recommends nothing. */
export function parseRecommendations(text: string | undefined, path: string): Recommendations {
  const fields = jsonObject(parseJson(text ?? "{}", { what: path }), path);
  const number = (key: string, needed: "a whole number" | "a number" = "a whole number") => {
    const value = fields[key] ?? null;
    const whole = needed === "a number" || Number.isInteger(value);
    const fits = typeof value === "number" && value >= 0 && whole;
    return value === null || fits ? value : fail(path, key, value, needed);
  };
  const words = (key: string) => {
    const value = fields[key] ?? null;
    return value === null || typeof value === "string" ? value : fail(path, key, value, "a text");
  };
  return {
    description: words("description"),
    steps: number("steps"),
    guidance: number("guidance", "a number"),
    width: number("width"),
    height: number("height"),
    sampler: words("sampler"),
    schedule: words("schedule"),
    negative: words("negative"),
    knows: knownThings(fields.knows ?? null, path),
  };
}

const ofThings = 'things such as { "en": ["cat"], "ru": ["кошка"] }';

function knownThings(value: JsonValue, path: string): readonly KnownThing[] | null {
  if (value === null) return null;
  const list = listOf(value) ?? fail(path, "knows", value, ofThings);
  return list.map((each, i) => thingOf(each) ?? fail(path, `knows[${i}]`, each, ofThings));
}

function thingOf(value: JsonValue): KnownThing | null {
  if (!isJsonObject(value)) return null;
  const names = Object.entries(value).map(([language, list]) => {
    const texts = listOf(list)?.filter((each) => typeof each === "string");
    return [language, texts?.length === listOf(list)?.length ? (texts ?? []) : []] as const;
  });
  const whole = names.length > 0 && names.every(([, texts]) => texts.length > 0);
  return whole ? Object.fromEntries(names) : null;
}

function listOf(value: JsonValue): readonly JsonValue[] | null {
  return Array.isArray(value) ? (value as readonly JsonValue[]) : null;
}

function fail(path: string, key: string, value: JsonValue, needed: string): never {
  throw new FormatError(`${path}: ${key} must be ${needed}, got ${shown(value)}`);
}
