/** @file Strict JSON (RFC 8259) for files of unknown origin: bounded size and depth, no doubled keys. */
import { FormatError, quote } from "../base/index.ts";

/** Anything JSON can say. Objects have no prototype, so `__proto__` is an ordinary key. */
export type JsonValue =
  null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue };

/** What a text is called in messages, and how much of it is accepted. */
export interface JsonLimits {
  readonly what: string;
  /** Bytes of UTF-8, 64 MiB by default. */
  readonly maxBytes?: number;
  /** Arrays and objects inside each other, 64 by default. */
  readonly maxDepth?: number;
}

/** UTF-8 to text; broken sequences are refused and a byte order mark is kept. */
export function decodeUtf8(bytes: Uint8Array, what: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new FormatError(`${what} is not UTF-8 text`, { cause });
  }
}

/** One JSON value and nothing after it, or a `FormatError` that says where the text breaks. */
export function parseJson(text: string | Uint8Array, limits: JsonLimits): JsonValue {
  const { what, maxBytes = 2 ** 26, maxDepth = 64 } = limits;
  // A text of n UTF-16 units has at least n bytes of UTF-8.
  if (text.length > maxBytes)
    throw new FormatError(`${what} has ${text.length} bytes of JSON, over the ${maxBytes} allowed`);
  const source = typeof text === "string" ? text : decodeUtf8(text, what);
  return new Reader(source, what, maxDepth).document();
}

/** Narrows a JSON value to an object, or says what it is instead. */
export function jsonObject(
  value: JsonValue | undefined,
  what: string,
): { readonly [key: string]: JsonValue } {
  if (isJsonObject(value)) return value;
  const found = value === undefined ? "missing" : Array.isArray(value) ? "an array" : typeof value;
  throw new FormatError(
    `${what} must be a JSON object, but it is ${value === null ? "null" : found}`,
  );
}

/** Whether a JSON value is an object with keys. */
export function isJsonObject(
  value: JsonValue | undefined,
): value is { readonly [key: string]: JsonValue } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const numberPattern = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const literals = [
  ["true", true],
  ["false", false],
  ["null", null],
] as const;

/** Recursive descent over one text; the depth limit keeps the stack small. */
class Reader {
  private at = 0;
  private readonly text: string;
  private readonly what: string;
  private readonly maxDepth: number;

  constructor(text: string, what: string, maxDepth: number) {
    this.text = text;
    this.what = what;
    this.maxDepth = maxDepth;
  }

  document(): JsonValue {
    if (this.text.startsWith("\ufeff")) this.at = 1; // RFC 8259, 8.1: a byte order mark may be ignored
    const value = this.value(0);
    this.skipSpace();
    if (this.at < this.text.length) this.fail("nothing more");
    return value;
  }

  private value(depth: number): JsonValue {
    this.skipSpace();
    const first = this.text[this.at];
    if (first === "{") return this.object(depth + 1);
    if (first === "[") return this.array(depth + 1);
    if (first === '"') return this.string();
    for (const [word, value] of literals)
      if (this.text.startsWith(word, this.at)) {
        this.at += word.length;
        return value;
      }
    return this.number();
  }

  private object(depth: number): JsonValue {
    this.enter(depth);
    const object = Object.create(null) as Record<string, JsonValue>;
    if (this.takes("}")) return object;
    do {
      this.skipSpace();
      if (this.text[this.at] !== '"') this.fail("a key in quotes");
      const key = this.string();
      if (Object.hasOwn(object, key))
        throw new FormatError(`${this.what}: the key ${quote(key)} appears twice in one object`);
      if (!this.takes(":")) this.fail("':'");
      object[key] = this.value(depth);
    } while (this.takes(","));
    if (!this.takes("}")) this.fail("',' or '}'");
    return object;
  }

  private array(depth: number): JsonValue {
    this.enter(depth);
    const items: JsonValue[] = [];
    if (this.takes("]")) return items;
    do items.push(this.value(depth));
    while (this.takes(","));
    if (!this.takes("]")) this.fail("',' or ']'");
    return items;
  }

  private string(): string {
    let end = this.at + 1;
    for (; this.text[end] !== '"'; end += 1) {
      if (end >= this.text.length || this.text[end] < " ") this.fail("the end of a string");
      if (this.text[end] === "\\") end += 1;
    }
    const source = this.text.slice(this.at, end + 1);
    if (!source.includes("\\")) {
      this.at = end + 1;
      return source.slice(1, -1);
    }
    try {
      const value = JSON.parse(source) as string; // a quoted string and nothing else
      this.at = end + 1;
      return value;
    } catch {
      return this.fail("a string with valid escapes");
    }
  }

  private number(): number {
    numberPattern.lastIndex = this.at;
    const match = numberPattern.exec(this.text);
    if (!match) return this.fail("a value");
    const value = Number(match[0]);
    if (!Number.isFinite(value)) return this.fail("a number within the range of f64");
    this.at += match[0].length;
    return value;
  }

  private enter(depth: number): void {
    if (depth > this.maxDepth)
      throw new FormatError(`${this.what}: JSON nested deeper than ${this.maxDepth} levels`);
    this.at += 1;
  }

  private takes(mark: string): boolean {
    this.skipSpace();
    if (this.text[this.at] !== mark) return false;
    this.at += 1;
    return true;
  }

  private skipSpace(): void {
    while (" \t\n\r".includes(this.text[this.at] ?? "x")) this.at += 1;
  }

  private fail(wanted: string): never {
    const rest = this.text.slice(this.at, this.at + 20);
    const found = rest === "" ? "the text ends" : `it says ${quote(rest)}`;
    throw new FormatError(
      `${this.what} is not JSON: at character ${this.at} ${wanted} is needed, but ${found}`,
    );
  }
}
