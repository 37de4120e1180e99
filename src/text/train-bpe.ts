/** @file Learning CLIP's kind of byte-pair vocabulary from a corpus (Sennrich et al. 2016, algorithm 1, over bytes). */
import { RequestError } from "../base/index.ts";
import { Heap } from "./heap.ts";
import { byteLetters, byteOrder, normalize, splitPieces, toBytes, wordEnd } from "./pieces.ts";

/** Contents of the two files that hold a vocabulary. */
export interface BpeFiles {
  readonly vocab: string;
  readonly merges: string;
}

const startToken = "<|startoftext|>";
const endToken = "<|endoftext|>";
/** Bytes, the same at the end of a word, start and end. */
const leastSize = 514;
const mostSize = 1 << 20;

interface Pair {
  readonly left: number;
  readonly right: number;
  readonly count: number;
}

/** A different word of the corpus as symbols, and how often it occurs. */
interface Word {
  symbols: number[];
  readonly count: number;
}

/**
 * A vocabulary of `size` entries in CLIP's layout: 256 bytes, the same with `</w>`, one entry a merge, start, end.
 * The most frequent pair is merged first, of equals the one whose left and then right entry is older; smaller than
 * `size` only if no pair occurs twice any more.
 */
export function trainBpe(
  texts: Iterable<readonly [text: string, count: number]>,
  size: number,
): BpeFiles {
  if (!Number.isInteger(size) || size < leastSize || size > mostSize)
    throw new RequestError("size", `must be from ${leastSize} to ${mostSize}, got ${size}`);
  const bytes = byteOrder.map((byte) => byteLetters[byte]);
  const entries = [...bytes, ...bytes.map((letter) => letter + wordEnd)];
  const ids = new Map(entries.map((entry, id) => [entry, id]));
  const table = new PairTable(countWords(texts, ids));
  const merges = new Set<string>();
  while (entries.length < size - 2) {
    const pair = table.takeBest();
    if (!pair || pair.count < 2) break;
    const entry = entries[pair.left] + entries[pair.right];
    // Two ways to the same text ("ab" + "c", "a" + "bc") share one entry; so a pair may come up twice.
    const id = ids.get(entry) ?? entries.push(entry) - 1;
    ids.set(entry, id);
    merges.add(`${entries[pair.left]} ${entries[pair.right]}`);
    table.merge(pair, id);
  }
  entries.push(startToken, endToken);
  const rows = entries.map((entry, id) => `${JSON.stringify(entry)}: ${id}`);
  return { vocab: `{${rows.join(", ")}}`, merges: ["#version: 0.2", ...merges, ""].join("\n") };
}

/** The different pieces of all texts as byte symbols, in the order in which they appear first. */
function countWords(
  texts: Iterable<readonly [text: string, count: number]>,
  ids: ReadonlyMap<string, number>,
): Word[] {
  const counts = new Map<string, number>();
  for (const [text, count] of texts) {
    if (!Number.isInteger(count) || count < 0)
      throw new RequestError("texts", `a count must be a whole number from 0, got ${count}`);
    for (const piece of splitPieces(normalize(text)))
      counts.set(piece, (counts.get(piece) ?? 0) + count);
  }
  const symbolOf = (byte: number, at: number, all: Uint8Array) =>
    ids.get(byteLetters[byte] + (at === all.length - 1 ? wordEnd : "")) ?? 0;
  return Array.from(counts, ([piece, count]) => {
    const bytes = toBytes(piece);
    return { symbols: Array.from(bytes, (byte, at) => symbolOf(byte, at, bytes)), count };
  });
}

const keyOf = (left: number, right: number) => left * mostSize + right;

/** Counts of all neighbouring symbols, kept up to date while pairs are merged. */
class PairTable {
  private readonly words: readonly Word[];
  private readonly counts = new Map<number, number>();
  /** Words in which a pair occurs or once occurred. */
  private readonly places = new Map<number, Set<number>>();
  /** Holds the present count of every pair, besides outdated ones. */
  private readonly queue = new Heap<Pair>((a, b) =>
    a.count !== b.count ? a.count > b.count : keyOf(a.left, a.right) < keyOf(b.left, b.right),
  );

  constructor(words: readonly Word[]) {
    this.words = words;
    words.forEach((_, index) => this.add(index, 1));
    for (const key of this.counts.keys()) this.offer(key);
  }

  /** The most frequent pair, by its present count. */
  takeBest(): Pair | undefined {
    for (let pair = this.queue.pop(); pair; pair = this.queue.pop()) {
      const key = keyOf(pair.left, pair.right);
      const count = this.counts.get(key) ?? 0;
      if (count === pair.count) return pair;
      // Rarer than when it was offered: back into the line. More frequent: it was offered again.
      if (count > 0 && count < pair.count) this.offer(key);
    }
    return undefined;
  }

  /** Replaces the pair by the symbol `id` in every word, all its occurrences from the left. */
  merge({ left, right }: Pair, id: number): void {
    const key = keyOf(left, right);
    const before = new Map<number, number>();
    for (const index of this.places.get(key) ?? []) {
      const word = this.words[index];
      const symbols = replacePair(word.symbols, left, right, id);
      if (symbols.length === word.symbols.length) continue;
      this.add(index, -1, before);
      word.symbols = symbols;
      this.add(index, 1, before);
    }
    this.places.delete(key);
    for (const [changed, count] of before)
      if ((this.counts.get(changed) ?? 0) > count) this.offer(changed);
  }

  /** Adds a word's pairs to the counts, or takes them out; `before` remembers what the counts were. */
  private add(index: number, sign: 1 | -1, before?: Map<number, number>): void {
    const { symbols, count } = this.words[index];
    for (let at = 0; at + 1 < symbols.length; at++) {
      const key = keyOf(symbols[at], symbols[at + 1]);
      const old = this.counts.get(key) ?? 0;
      if (before && !before.has(key)) before.set(key, old);
      this.counts.set(key, old + sign * count);
      if (sign < 0) continue;
      const places = this.places.get(key);
      if (places) places.add(index);
      else this.places.set(key, new Set([index]));
    }
  }

  private offer(key: number): void {
    const right = key % mostSize;
    this.queue.push({ left: (key - right) / mostSize, right, count: this.counts.get(key) ?? 0 });
  }
}

function replacePair(
  symbols: readonly number[],
  left: number,
  right: number,
  id: number,
): number[] {
  const replaced: number[] = [];
  for (let at = 0; at < symbols.length; at++) {
    const found = symbols[at] === left && symbols[at + 1] === right;
    replaced.push(found ? id : symbols[at]);
    if (found) at++;
  }
  return replaced;
}
