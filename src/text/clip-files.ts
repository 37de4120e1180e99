/** @file Reading a CLIP tokenizer folder: vocab.json, merges.txt, tokenizer_config.json, special_tokens_map.json. */
import { FormatError, quote, shown } from "../base/index.ts";
import type { Merge } from "./bpe.ts";
import { normalize } from "./pieces.ts";

/** Contents of the files of a tokenizer folder. */
export interface ClipTokenizerFiles {
  readonly vocab: string;
  readonly merges: string;
  readonly config?: string | undefined;
  readonly specialTokensMap?: string | undefined;
}

/** A token that is cut out of the text before anything else; `normalized` ones are found after lower-casing. */
export interface SpecialToken {
  readonly content: string;
  readonly id: number;
  readonly normalized: boolean;
}

/** What the files say, checked. */
export interface ClipTokenizerParts {
  readonly vocabulary: ReadonlyMap<string, number>;
  readonly merges: readonly Merge[];
  readonly specials: readonly SpecialToken[];
  readonly startId: number;
  readonly endId: number;
  readonly padId: number;
  readonly unknownId: number;
  readonly maxLength: number;
}

/** CLIP has 49 408 entries; what is far above is no vocabulary. */
const mostEntries = 1 << 20;
/** CLIP's context, for folders that name none (transformers writes 1e30 for "not known"). */
const usualLength = 77;
const longestLength = 1 << 20;

type Json = Readonly<Record<string, unknown>>;
type Token = Omit<SpecialToken, "id">;

const startToken: Token = { content: "<|startoftext|>", normalized: true };
const endToken: Token = { content: "<|endoftext|>", normalized: true };

/** Checks the files against each other; a FormatError names the file and its fault. */
export function readClipFiles(files: ClipTokenizerFiles): ClipTokenizerParts {
  const vocabulary = readVocabulary(files.vocab);
  const merges = readMerges(files.merges, vocabulary);
  const config = readObject(files.config ?? "{}", "tokenizer_config.json");
  const map = readObject(files.specialTokensMap ?? "{}", "special_tokens_map.json");
  const added = readAddedTokens(config, vocabulary);
  // As transformers does: the map wins over an old configuration, one that lists its added tokens wins over the map.
  const sources = [
    { file: "tokenizer_config.json", values: config },
    { file: "special_tokens_map.json", values: map },
  ];
  if (added.length === 0) sources.reverse();
  const roles = [
    readRole(sources, "bos_token", startToken),
    readRole(sources, "eos_token", endToken),
    readRole(sources, "pad_token", endToken),
    readRole(sources, "unk_token", endToken),
  ];
  const idOf = ({ content }: Token) => {
    const id = vocabulary.get(content) ?? added.find((special) => special.content === content)?.id;
    if (id === undefined)
      throw new FormatError(
        `vocab.json: the special token ${quote(content)} is missing among ${vocabulary.size} entries`,
      );
    return id;
  };
  const [startId, endId, padId, unknownId] = roles.map(idOf);
  const specials = merged([...added, ...roles.map((token) => ({ ...token, id: idOf(token) }))]);
  const maxLength = readLength(config);
  return { vocabulary, merges, specials, startId, endId, padId, unknownId, maxLength };
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new FormatError(`${file}: is not JSON (${quote((cause as Error).message, 120)})`, {
      cause,
    });
  }
}

function readObject(text: string, file: string): Json {
  const value = parseJson(text, file);
  if (!isObject(value)) throw new FormatError(`${file}: needs an object, got ${show(value)}`);
  return value;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A value for a message; what it holds inside does not matter. */
function show(value: unknown): string {
  return Array.isArray(value) ? "a list" : isObject(value) ? "an object" : shown(value);
}

/** Entries and ids; n entries must have the ids 0 to n − 1, since each is a row of the embedding. */
function readVocabulary(text: string): Map<string, number> {
  const entries = Object.entries(readObject(text, "vocab.json"));
  const count = entries.length;
  if (count === 0 || count > mostEntries)
    throw new FormatError(`vocab.json: needs 1 to ${mostEntries} entries, has ${count}`);
  const seen = new Uint8Array(count);
  const vocabulary = new Map<string, number>();
  for (const [entry, id] of entries) {
    const fail = (fault: string) =>
      new FormatError(`vocab.json: ${show(entry)} has the id ${show(id)}${fault}`);
    if (typeof id !== "number" || !Number.isInteger(id) || id < 0 || id >= count)
      throw fail(`, but ${count} entries need the ids 0 to ${count - 1}`);
    if (seen[id]) throw fail(", which another entry has too");
    seen[id] = 1;
    vocabulary.set(entry, id);
  }
  return vocabulary;
}

/** One merge a line, two entries with a space between; a first line `#version` is skipped. */
function readMerges(text: string, vocabulary: ReadonlyMap<string, number>): Merge[] {
  const merges: Merge[] = [];
  const lines = text.split(/\r?\n/u);
  if (lines.length > mostEntries)
    throw new FormatError(`merges.txt: needs at most ${mostEntries} lines, has ${lines.length}`);
  lines.forEach((line, index) => {
    if (line === "" || (index === 0 && line.startsWith("#version"))) return;
    const space = line.indexOf(" ");
    const fail = (fault: string) =>
      new FormatError(`merges.txt: line ${index + 1}, ${show(line)}, ${fault}`);
    if (space <= 0 || space === line.length - 1 || line.includes(" ", space + 1))
      throw fail("needs two entries with one space between");
    const idOf = (entry: string) => {
      const id = vocabulary.get(entry);
      if (id === undefined) throw fail(`needs ${show(entry)}, which vocab.json does not have`);
      return id;
    };
    const [left, right] = [line.slice(0, space), line.slice(space + 1)];
    merges.push({ left: idOf(left), right: idOf(right), result: idOf(left + right) });
  });
  return merges;
}

/** The first source that names the role decides; `usual` when none does. */
function readRole(
  sources: readonly { readonly file: string; readonly values: Json }[],
  role: string,
  usual: Token,
): Token {
  const source = sources.find(({ values }) => (values[role] ?? null) !== null);
  return source ? readToken(source.values[role], `${source.file}: ${role}`) : usual;
}

/** A special token, written as text or as an object. */
function readToken(value: unknown, where: string): Token {
  const token = typeof value === "string" ? { content: value } : value;
  if (!isObject(token) || typeof token.content !== "string" || token.content === "")
    throw new FormatError(`${where} needs a text, got ${show(value)}`);
  return { content: token.content, normalized: token.normalized === true };
}

/** `added_tokens_decoder`: ids outside vocab.json, or entries of it that are special. */
function readAddedTokens(config: Json, vocabulary: ReadonlyMap<string, number>): SpecialToken[] {
  const list = config.added_tokens_decoder ?? {};
  if (!isObject(list))
    throw new FormatError(
      `tokenizer_config.json: added_tokens_decoder needs an object, got ${show(list)}`,
    );
  return Object.entries(list).map(([key, value]) => {
    const token = readToken(value, `tokenizer_config.json: added token ${show(key)}`);
    const id = Number(key);
    const expected = vocabulary.get(token.content);
    const free = Number.isInteger(id) && id >= vocabulary.size && id < mostEntries;
    if (expected === undefined ? !free : id !== expected)
      throw new FormatError(
        `tokenizer_config.json: added token ${show(token.content)} needs ` +
          `${expected === undefined ? `an id from ${vocabulary.size}` : `the id ${expected}`}, got ${show(key)}`,
      );
    return { ...token, id };
  });
}

/** Each token once; it is looked for after lower-casing if any mention says so. */
function merged(tokens: readonly SpecialToken[]): SpecialToken[] {
  const byContent = new Map<string, SpecialToken>();
  for (const token of tokens) {
    const normalized = token.normalized || byContent.get(token.content)?.normalized === true;
    byContent.set(token.content, { ...token, normalized });
  }
  return [...byContent.values()].map((token) =>
    token.normalized ? { ...token, content: normalize(token.content) } : token,
  );
}

function readLength(config: Json): number {
  const length = config.model_max_length ?? usualLength;
  if (typeof length !== "number" || !(length >= 2))
    throw new FormatError(
      `tokenizer_config.json: model_max_length needs a number from 2, got ${show(length)}`,
    );
  if (length > longestLength) return usualLength;
  if (!Number.isInteger(length))
    throw new FormatError(
      `tokenizer_config.json: model_max_length needs a whole number, got ${show(length)}`,
    );
  return length;
}
