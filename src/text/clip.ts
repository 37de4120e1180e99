/** @file CLIP's tokenizer (Radford et al. 2021), id for id as the "fast" tokenizers make them from the same folder. */
import { assert, RequestError } from "../base/index.ts";
import { BytePairs } from "./bpe.ts";
import { readClipFiles } from "./clip-files.ts";
import type { ClipTokenizerFiles, ClipTokenizerParts, SpecialToken } from "./clip-files.ts";
import { fromLetters, normalize, splitPieces, wordEnd } from "./pieces.ts";

/** Text to token ids and back. */
export class ClipTokenizer {
  readonly startId: number;
  readonly endId: number;
  /** Fills up to `maxLength`: the end token in SD 1.x, `!` in SD 2.x and SDXL's second tokenizer. */
  readonly padId: number;
  /** Ids of one chunk, start and end included. */
  readonly maxLength: number;
  /** Number of ids: the rows that the embedding needs at least. */
  readonly vocabularySize: number;
  private readonly pairs: BytePairs;
  private readonly vocabulary: ReadonlyMap<string, number>;
  private readonly specialIds: ReadonlyMap<string, number>;
  private readonly raw: RegExp | null;
  private readonly normalized: RegExp | null;
  private entries: ReadonlyMap<number, string> | null = null;

  private constructor(parts: ClipTokenizerParts) {
    this.startId = parts.startId;
    this.endId = parts.endId;
    this.padId = parts.padId;
    this.maxLength = parts.maxLength;
    this.vocabulary = parts.vocabulary;
    this.vocabularySize = parts.specials.reduce(
      (size, { id }) => Math.max(size, id + 1),
      parts.vocabulary.size,
    );
    this.pairs = new BytePairs(parts.vocabulary, parts.merges, parts.unknownId);
    this.specialIds = new Map(parts.specials.map(({ content, id }) => [content, id]));
    this.raw = anyOf(parts.specials.filter((token) => !token.normalized));
    this.normalized = anyOf(parts.specials.filter((token) => token.normalized));
  }

  /** Builds the tokenizer from the contents of its folder's files. */
  static fromFiles(files: ClipTokenizerFiles): ClipTokenizer {
    return new ClipTokenizer(readClipFiles(files));
  }

  /** Ids with start and end, neither cut nor padded. Special tokens in the text become their ids. */
  encode(text: string): number[] {
    const ids = [this.startId];
    for (const [part, isSpecial] of cut(text, this.raw)) {
      if (isSpecial) ids.push(this.idOf(part));
      else this.encodePart(normalize(part), ids);
    }
    ids.push(this.endId);
    return ids;
  }

  /** Exactly `maxLength` ids: the first `maxLength` − 1 and the end, or filled with the pad token. */
  encodePadded(text: string): Int32Array {
    const ids = this.encode(text);
    const padded = new Int32Array(this.maxLength).fill(this.padId);
    padded.set(ids.slice(0, this.maxLength));
    if (ids.length > this.maxLength) padded[this.maxLength - 1] = this.endId;
    return padded;
  }

  /** The normalised text with one space after each word; special tokens are left out. */
  decode(ids: Iterable<number>): string {
    this.entries ??= new Map([...this.vocabulary].map(([entry, id]) => [id, entry]));
    const specials = new Set(this.specialIds.values());
    let letters = "";
    for (const id of ids) {
      if (specials.has(id)) continue;
      const entry = this.entries.get(id);
      if (entry === undefined)
        throw new RequestError("ids", `must be from 0 to ${this.vocabularySize - 1}, got ${id}`);
      letters += entry;
    }
    return letters.split(wordEnd).map(fromLetters).join(" ").trimEnd();
  }

  private encodePart(normalText: string, ids: number[]): void {
    for (const [part, isSpecial] of cut(normalText, this.normalized)) {
      if (isSpecial) ids.push(this.idOf(part));
      else
        for (const piece of splitPieces(part))
          for (const id of this.pairs.encode(piece)) ids.push(id);
    }
  }

  private idOf(special: string): number {
    const id = this.specialIds.get(special);
    assert(id !== undefined, `special token ${special} without an id`);
    return id;
  }
}

/** A pattern that finds the longest of the tokens; null when there is none. */
function anyOf(tokens: readonly SpecialToken[]): RegExp | null {
  if (tokens.length === 0) return null;
  const longestFirst = tokens
    .map(({ content }) => content)
    .sort((a, b) => b.length - a.length)
    .map((content) => content.replace(/[\\^$.*+?()[\]{}|/]/gu, "\\$&"));
  return new RegExp(`(${longestFirst.join("|")})`, "u");
}

/** The text between special tokens and, marked true, the tokens. */
function cut(text: string, specials: RegExp | null): [string, boolean][] {
  if (!specials) return [[text, false]];
  return text.split(specials).map((part, index) => [part, index % 2 === 1]);
}
