/** @file Byte-pair encoding: merge the pair of lowest rank until none is left (Sennrich et al. 2016, over bytes as in GPT-2). */
import { Heap } from "./heap.ts";
import { byteLetters, toBytes, wordEnd } from "./pieces.ts";

/** Pieces remembered with their ids; prompts and captions repeat their words. */
const remembered = 20_000;
/** Longer pieces are not worth remembering. */
const longestRemembered = 64;

/** Two symbols that become one; the position in the list is the rank. */
export interface Merge {
  readonly left: number;
  readonly right: number;
  readonly result: number;
}

/** Turns pieces of text into ids of a vocabulary by ranked merges. */
export class BytePairs {
  private readonly width: number;
  private readonly ranks = new Map<number, number>();
  private readonly results: Int32Array;
  private readonly inside: Int32Array;
  private readonly last: Int32Array;
  private readonly known = new Map<string, readonly number[]>();

  /** Bytes that the vocabulary lacks become `unknownId`. */
  constructor(
    vocabulary: ReadonlyMap<string, number>,
    merges: readonly Merge[],
    unknownId: number,
  ) {
    this.width = vocabulary.size;
    this.results = Int32Array.from(merges, (merge) => merge.result);
    merges.forEach(({ left, right }, rank) => this.ranks.set(left * this.width + right, rank));
    const idOf = (symbol: string) => vocabulary.get(symbol) ?? unknownId;
    this.inside = Int32Array.from(byteLetters, idOf);
    this.last = Int32Array.from(byteLetters, (letter) => idOf(letter + wordEnd));
  }

  /** Ids of one piece (not empty), the end of word on its last byte. */
  encode(piece: string): readonly number[] {
    const before = this.known.get(piece);
    if (before) return before;
    const bytes = toBytes(piece);
    const symbols = Array.from(bytes, (byte) => this.inside[byte]);
    symbols[bytes.length - 1] = this.last[bytes[bytes.length - 1]];
    const ids = this.merge(symbols);
    if (piece.length <= longestRemembered) {
      if (this.known.size >= remembered) this.known.clear();
      this.known.set(piece, ids);
    }
    return ids;
  }

  /** Lowest rank first, leftmost first among equals: O(n log n), so that a piece of 100 000 letters is no trap. */
  private merge(symbols: number[]): number[] {
    const { length } = symbols;
    const next = symbols.map((_, at) => at + 1);
    const previous = symbols.map((_, at) => at - 1);
    const rankAt = (at: number) =>
      at < 0 || next[at] >= length
        ? undefined
        : this.ranks.get(symbols[at] * this.width + symbols[next[at]]);
    const queue = new Heap<number>((a, b) => a < b);
    const offer = (at: number) => {
      const rank = rankAt(at);
      if (rank !== undefined) queue.push(rank * length + at);
    };
    for (let at = 0; at < length - 1; at++) offer(at);
    for (let first = queue.pop(); first !== undefined; first = queue.pop()) {
      const at = first % length;
      const rank = (first - at) / length;
      // An entry is out of date when a neighbour took one of its symbols.
      if (symbols[at] < 0 || rankAt(at) !== rank) continue;
      const right = next[at];
      symbols[at] = this.results[rank];
      symbols[right] = -1;
      next[at] = next[right];
      if (next[at] < length) previous[next[at]] = at;
      offer(previous[at]);
      offer(at);
    }
    return symbols.filter((symbol) => symbol >= 0);
  }
}
