/** @file `limn.json`: what a model's maker recommends, beside the model. */
import { FormatError, shown } from "../base/index.ts";
import { jsonObject, parseJson, type JsonValue } from "../formats/index.ts";

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
}

/** What the text of a `limn.json` at `path` says; undefined, for a folder without one, recommends nothing. */
export function parseRecommendations(text: string | undefined, path: string): Recommendations {
  const fields = jsonObject(parseJson(text ?? "{}", { what: path }), path);
  const number = (key: string, whole: boolean) => {
    const value = fields[key] ?? null;
    const fits = typeof value === "number" && value >= 0 && (!whole || Number.isInteger(value));
    if (value === null || fits) return value;
    return fail(path, key, value, whole ? "a whole number" : "a number");
  };
  const words = (key: string) => {
    const value = fields[key] ?? null;
    return value === null || typeof value === "string" ? value : fail(path, key, value, "a text");
  };
  return {
    description: words("description"),
    steps: number("steps", true),
    guidance: number("guidance", false),
    width: number("width", true),
    height: number("height", true),
    sampler: words("sampler"),
    schedule: words("schedule"),
    negative: words("negative"),
  };
}

function fail(path: string, key: string, value: JsonValue, needed: string): never {
  throw new FormatError(`${path}: ${key} must be ${needed}, got ${shown(value)}`);
}
