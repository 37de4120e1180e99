/** @file Reads a config.json field by field, strictly: each field has a default, a kind and a range, and none is passed over. */
import { listed, shown, WeightError } from "../base/index.ts";

/** Told of fields that limn does not know and that may change the result, as a sentence. */
export type Report = (remark: string) => void;

/** What becomes of such fields where nobody asks to be told: a config in a program is its author's own. */
export const refuse: Report = (remark) => {
  throw new WeightError(remark, {
    hint: "a misspelt field needs its right name; one of a newer version may need a newer limn",
  });
};

/** Sizes beyond these belong to no model and would exhaust memory before any weight is missed. */
export const limits = {
  channels: 65_536,
  layers: 128,
  levels: 16,
  tokens: 10_000_000,
  /** Residual blocks and transformer layers together; SDXL has 87. */
  blocks: 2048,
  /** SDXL has 2.6 billion. */
  parameters: 100e9,
} as const;

/** What a level of a UNet or an autoencoder adds to its size: blocks of each kind, all `channels` wide. */
interface LevelSize {
  readonly channels: number;
  readonly residual: number;
  readonly transformer: number;
}

/** A whole number's bounds, both included. */
interface Range {
  readonly min?: number;
  readonly max?: number;
}

/** Field access over one parsed JSON object; `finish` accounts for every field that was not asked for. */
export class ConfigReader {
  readonly #fields: ReadonlyMap<string, unknown>;
  readonly #asked = new Set<string>();
  readonly #what: string;

  constructor(json: unknown, what: string) {
    this.#what = what;
    if (typeof json !== "object" || json === null || Array.isArray(json))
      this.fail(`the config must be a JSON object, got ${shown(json)}`);
    this.#fields = new Map(Object.entries(json));
  }

  /** Stops with what was needed of which model. */
  fail(message: string): never {
    throw new WeightError(`${this.#what}: ${message}`);
  }

  /** The value of a field, undefined where it is left out. */
  raw(field: string): unknown {
    this.#asked.add(field);
    return this.#fields.get(field);
  }

  /** Requires `_class_name` to be the one class that the caller builds. */
  className(expected: string): void {
    const found = this.raw("_class_name");
    if (found !== expected) this.fail(`_class_name must be "${expected}", got ${shown(found)}`);
  }

  /** A whole number from 1 (or `min`) up to `max`. */
  count(field: string, fallback: number, range: Range = {}): number {
    const value = this.raw(field);
    return value === undefined ? fallback : this.#checkCount(field, value, range);
  }

  /** As `count`, where null or nothing means null. */
  countOrNull(field: string, range: Range = {}): number | null {
    const value = this.raw(field) ?? null;
    return value === null ? null : this.#checkCount(field, value, range);
  }

  /** A list of whole numbers. */
  counts(field: string, fallback: readonly number[], range: Range = {}): readonly number[] {
    const value = this.raw(field);
    if (value === undefined) return fallback;
    return this.#list(field, value).map((item) => this.#checkCount(field, item, range));
  }

  /** One whole number for all of `length` levels, or a list with one for each. */
  perLevel(field: string, fallback: number, length: number, range: Range = {}): readonly number[] {
    const value = this.raw(field) ?? fallback;
    if (!Array.isArray(value))
      return Array<number>(length).fill(this.#checkCount(field, value, range));
    if (value.length !== length)
      this.fail(`${field} has ${value.length} entries, but there are ${length} levels`);
    return value.map((item) => this.#checkCount(field, item, range));
  }

  /** As `perLevel` for true and false. */
  flagPerLevel(field: string, fallback: boolean, length: number): readonly boolean[] {
    const value = this.raw(field) ?? fallback;
    const list: unknown[] = Array.isArray(value) ? value : Array<unknown>(length).fill(value);
    if (list.length !== length)
      this.fail(`${field} has ${list.length} entries, but there are ${length} levels`);
    return list.map((item) => this.#checkFlag(field, item));
  }

  /** Height and width, given as one number for both or as a pair; null where left out. */
  sizeOrNull(field: string): readonly [height: number, width: number] | null {
    const value = this.raw(field) ?? null;
    if (value === null) return null;
    const [height, width, ...rest] = Array.isArray(value) ? (value as unknown[]) : [value, value];
    if (rest.length > 0) this.fail(`${field} must be a size or a pair of sizes`);
    return [this.#checkCount(field, height, {}), this.#checkCount(field, width, {})];
  }

  flag(field: string, fallback: boolean): boolean {
    return this.#checkFlag(field, this.raw(field) ?? fallback);
  }

  /** A finite number within bounds. */
  number(field: string, fallback: number, { min = -Infinity, max = Infinity }: Range = {}): number {
    const value = this.raw(field) ?? fallback;
    if (typeof value !== "number" || !Number.isFinite(value) || value < min || value > max)
      this.fail(`${field} must be a number from ${min} to ${max}, got ${shown(value)}`);
    return value;
  }

  /** A word from a closed list; nothing and, unless listed, null mean the fallback. */
  oneOf<T extends string | null>(field: string, allowed: readonly T[], fallback: T): T {
    const value = this.raw(field);
    return value === undefined ? fallback : this.#checkWord(field, value, allowed);
  }

  /** A list of words from a closed list, of `length` entries where that is known. */
  listOf<T extends string>(
    field: string,
    allowed: readonly T[],
    fallback: readonly T[],
  ): readonly T[] {
    const value = this.raw(field);
    if (value === undefined) return fallback;
    return this.#list(field, value).map((item) => this.#checkWord(field, item, allowed));
  }

  /** Fields that limn supports at one meaning only: any other value would compute something else. */
  fixed(fields: Readonly<Record<string, readonly unknown[]>>): void {
    for (const [field, allowed] of Object.entries(fields)) {
      const value = this.raw(field);
      if (value !== undefined && !allowed.includes(value))
        this.fail(
          `limn does not support ${field} = ${shown(value)}, only ${allowed.map((word) => shown(word)).join(" or ")}`,
        );
    }
  }

  /** Requires `parts` to split `whole` evenly. */
  divides(field: string, parts: number, whole: number): void {
    if (whole % parts !== 0) this.fail(`${field} ${parts} does not divide ${whole} channels`);
  }

  /** Refuses levels that are harmless each, but together would take minutes to build. */
  checkSize(levels: readonly LevelSize[]): void {
    const total = (count: (level: LevelSize) => number) =>
      levels.reduce((sum, level) => sum + count(level), 0);
    const blocks = total(({ residual, transformer }) => residual + transformer);
    // Two 3×3 convolutions; four projections in each of two attentions, and a feed-forward of twelve more.
    const parameters = total((l) => l.channels ** 2 * (18 * l.residual + 20 * l.transformer));
    if (blocks > limits.blocks)
      this.fail(
        `the config asks for ${blocks} blocks, more than the ${limits.blocks} of any model`,
      );
    if (parameters > limits.parameters)
      this.fail(`the config asks for about ${Math.round(parameters / 1e9)} billion parameters`);
  }

  /** Ends the reading: fields neither asked for nor harmless are reported by name, except those that ask for nothing. */
  finish(harmless: ReadonlySet<string>, report: Report): void {
    const unknown = [...this.#fields]
      .filter(([field]) => !this.#asked.has(field) && !harmless.has(field))
      .filter(([field, value]) => !field.startsWith("_") && !asksForNothing(value))
      .map(([field]) => field);
    if (unknown.length === 0) return;
    const fields = unknown.length === 1 ? "a field" : `${unknown.length} fields`;
    report(
      `${this.#what}: the config has ${fields} that limn does not know and that may change the result: ${listed(unknown)}`,
    );
  }

  #checkCount(field: string, value: unknown, { min = 1, max = limits.channels }: Range): number {
    if (typeof value !== "number" || !Number.isInteger(value) || value < min || value > max)
      this.fail(`${field} must be a whole number from ${min} to ${max}, got ${shown(value)}`);
    return value;
  }

  #checkFlag(field: string, value: unknown): boolean {
    if (typeof value !== "boolean")
      this.fail(`${field} must be true or false, got ${shown(value)}`);
    return value;
  }

  #checkWord<T extends string | null>(field: string, value: unknown, allowed: readonly T[]): T {
    const found = allowed.find((word) => word === value);
    if (found === undefined)
      this.fail(
        `${field} is ${shown(value)}, but limn knows only ${allowed.map((word) => shown(word)).join(", ")}`,
      );
    return found;
  }

  #list(field: string, value: unknown): unknown[] {
    if (!Array.isArray(value) || value.length === 0 || value.length > limits.levels)
      this.fail(`${field} must be a list of 1 to ${limits.levels} entries, got ${shown(value)}`);
    return value as unknown[];
  }
}

/** Values that leave out what a field could bring. */
function asksForNothing(value: unknown): boolean {
  if (typeof value === "object" && value !== null) return Object.keys(value).length === 0;
  return value === null || value === false || value === "";
}
