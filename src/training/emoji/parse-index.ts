/** @file Checks `items.json` of a data set: every record whole, every thing that it names there. */
import { FormatError, shown } from "../../base/index.ts";
import { jsonObject, type JsonValue } from "../../formats/index.ts";
import { colourNames } from "./colours.ts";
import type { Countability } from "./concepts.ts";
import type { ConceptRecord, DatasetIndex, PictureRecord } from "./records.ts";
import { setNames } from "./sets.ts";

const countabilities: readonly Countability[] = ["count", "unique", "plural"];

/** The JSON of an `items.json` as an index; a FormatError names the first place that is not as it should be. */
export function parseDatasetIndex(json: JsonValue, what: string): DatasetIndex {
  const root = fieldsOf(json, what);
  const concepts = root.list("concepts").map(conceptOf);
  return {
    size: root.whole("size", { from: 1, to: 4096 }),
    concepts,
    items: root.list("items").map((fields) => pictureOf(fields, concepts.length)),
  };
}

function conceptOf(concept: Fields): ConceptRecord {
  const words = concept.fields("words");
  return {
    hexcode: concept.text("hexcode"),
    words: {
      en: words.text("en"),
      ru: words.text("ru"),
      also: words.texts("also"),
      alsoRu: words.texts("alsoRu"),
      countability: words.oneOf("countability", countabilities),
      tags: words.texts("tags"),
      tagsRu: words.texts("tagsRu"),
    },
  };
}

function pictureOf(item: Fields, concepts: number): PictureRecord {
  const placement = item.fields("placement");
  return {
    concept: item.whole("concept", { from: 0, to: concepts - 1 }),
    set: item.oneOf("set", setNames),
    icon: item.text("icon"),
    variant: item.whole("variant", { from: 0, to: 2 ** 31 }),
    colour: item.oneOf("colour", [null, ...colourNames]),
    ownColour: item.oneOf("ownColour", [null, ...colourNames]),
    placement: {
      scale: placement.number("scale"),
      x: placement.number("x"),
      y: placement.number("y"),
      mirrored: placement.oneOf("mirrored", [true, false]),
    },
    sha256: item.text("sha256"),
  };
}

/** Reads the fields of one object by the type that each must have. */
interface Fields {
  text(key: string): string;
  texts(key: string): readonly string[];
  number(key: string): number;
  whole(key: string, range: { from: number; to: number }): number;
  oneOf<T extends JsonValue>(key: string, allowed: readonly T[]): T;
  fields(key: string): Fields;
  list(key: string): Fields[];
}

function fieldsOf(json: JsonValue | undefined, what: string): Fields {
  const object = jsonObject(json, what);
  const place = (key: string) => `${what}, ${key}`;
  const need = (key: string, needed: string): never => {
    throw new FormatError(`${place(key)} must be ${needed}, got ${shown(object[key])}`);
  };
  const number = (key: string) => {
    const value = object[key];
    return typeof value === "number" ? value : need(key, "a number");
  };
  const list = (key: string) => {
    const value = object[key];
    return Array.isArray(value) ? (value as readonly JsonValue[]) : need(key, "a list");
  };
  return {
    number,
    text(key) {
      const value = object[key];
      return typeof value === "string" ? value : need(key, "a text");
    },
    texts: (key) =>
      list(key).map((each) => (typeof each === "string" ? each : need(key, "a list of texts"))),
    whole(key, { from, to }) {
      const value = number(key);
      const fits = Number.isInteger(value) && value >= from && value <= to;
      return fits ? value : need(key, `a whole number from ${from} to ${to}`);
    },
    oneOf(key, allowed) {
      // Not `find`: what is allowed may be null.
      const at = allowed.findIndex((each) => each === object[key]);
      return at < 0 ? need(key, `one of ${allowed.map(String).join(", ")}`) : allowed[at];
    },
    fields: (key) => fieldsOf(object[key], place(key)),
    list: (key) => list(key).map((each, i) => fieldsOf(each, `${place(key)}[${i}]`)),
  };
}
