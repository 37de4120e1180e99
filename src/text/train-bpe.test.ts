/** @file Training a vocabulary against a slow implementation, and what the result must be able to do. */
import { describe, expect, test } from "vitest";
import { RequestError } from "../base/index.ts";
import { ClipTokenizer } from "./clip.ts";
import { byteLetters, byteOrder, normalize, splitPieces, toBytes, wordEnd } from "./pieces.ts";
import { trainBpe } from "./train-bpe.ts";

/** The textbook way: count every pair again for each merge. */
function slowMerges(texts: readonly (readonly [string, number])[], size: number): string[] {
  const letters = byteOrder.map((byte) => byteLetters[byte]);
  const entries = [...letters, ...letters.map((letter) => letter + wordEnd)];
  let words = texts.flatMap(([text, count]) =>
    splitPieces(normalize(text)).map((piece) => {
      const symbols = Array.from(toBytes(piece), (byte) => byteLetters[byte]);
      symbols[symbols.length - 1] += wordEnd;
      return { symbols, count };
    }),
  );
  const merges: string[] = [];
  while (entries.length < size - 2) {
    const counts = new Map<string, number>();
    for (const { symbols, count } of words)
      for (let i = 0; i + 1 < symbols.length; i++) {
        const pair = `${symbols[i]} ${symbols[i + 1]}`;
        counts.set(pair, (counts.get(pair) ?? 0) + count);
      }
    const age = (pair: string) => pair.split(" ").map((symbol) => entries.indexOf(symbol));
    const [best] = [...counts].sort(([a, m], [b, n]) => {
      const [[left, right], [otherLeft, otherRight]] = [age(a), age(b)];
      return n - m || left - otherLeft || right - otherRight;
    });
    if (!best || best[1] < 2) break;
    const [left, right] = best[0].split(" ");
    if (!merges.includes(best[0])) merges.push(best[0]);
    if (!entries.includes(left + right)) entries.push(left + right);
    words = words.map(({ symbols, count }) => {
      const replaced: string[] = [];
      for (const symbol of symbols) {
        const joins = replaced.at(-1) === left && symbol === right;
        if (joins) replaced.splice(-1, 1, left + right);
        else replaced.push(symbol);
      }
      return { symbols: replaced, count };
    });
  }
  return merges;
}

const mergesOf = (merges: string) => merges.split("\n").slice(1, -1);

/** Whole numbers below a limit, from a 32-bit linear congruence (Knuth's constants). */
function seeded(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}

describe("the merges are those of the slow implementation", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])("random corpus %i", (seed) => {
    const random = seeded(seed);
    const alphabet = ["ab", "abc", "aé ", "abcd's", "кот 1"][seed % 5];
    const word = () =>
      Array.from({ length: 1 + random(9) }, () => alphabet[random(alphabet.length)]).join("");
    const texts = Array.from({ length: 60 }, () => [word(), random(4)] as const);
    const { merges } = trainBpe(texts, 600);
    expect(mergesOf(merges).length).toBeGreaterThan(10);
    expect(mergesOf(merges)).toEqual(slowMerges(texts, 600));
  });

  test("overlapping pairs and words that share entries", () => {
    const texts = [["aaaaaa aaa aaaaaaa abab babab ababab", 3]] as const;
    expect(mergesOf(trainBpe(texts, 560).merges)).toEqual(slowMerges(texts, 560));
  });
});

const colours = "красный синий зелёный жёлтый белый чёрный".split(" ");
const things = "круг квадрат кот дом дерево яблоко лодка звезда".split(" ");
const russian = colours.flatMap((colour, i) =>
  things.map((thing, j) => [`${colour} ${thing} на белом фоне`, 1 + i + j] as const),
);

describe("a trained vocabulary", () => {
  const files = trainBpe(russian, 900);
  const tokenizer = ClipTokenizer.fromFiles(files);

  test("is laid out like CLIP's", () => {
    expect(tokenizer.vocabularySize).toBe(mergesOf(files.merges).length + 514);
    expect(tokenizer.startId).toBe(tokenizer.vocabularySize - 2);
    expect(tokenizer.endId).toBe(tokenizer.vocabularySize - 1);
    expect(tokenizer.encode("!")).toEqual([tokenizer.startId, 256, tokenizer.endId]);
  });

  test("has one token for each word of its corpus", () => {
    for (const word of [...colours, ...things])
      expect(tokenizer.encode(word), word).toHaveLength(3);
  });

  test("writes any text, seen or not", () => {
    for (const text of ["ежик в тумане", "猫 — 😀 naïve", "x", "\u0000\u0007", "ß"])
      expect(tokenizer.decode(tokenizer.encode(text))).toBe(normalize(text));
  });

  test("has exactly the size that was asked for when the corpus is rich enough", () => {
    expect(ClipTokenizer.fromFiles(trainBpe(russian, 580)).vocabularySize).toBe(580);
  });

  test("is bytes alone without a corpus, and merges nothing that occurs once", () => {
    expect(mergesOf(trainBpe([], 2000).merges)).toEqual([]);
    expect(mergesOf(trainBpe([["кот", 1]], 2000).merges)).toEqual([]);
    expect(ClipTokenizer.fromFiles(trainBpe([], 514)).encode("a")).toEqual([512, 320, 513]);
  });
});

// Counting all pairs anew for each of the merges would take longer than any test may.
test("100 000 captions of five words make a vocabulary", () => {
  const random = seeded(3);
  const syllables = Array.from({ length: 60 }, () =>
    String.fromCodePoint(0x430 + random(32), 0x430 + random(32), 0x430 + random(32)),
  );
  const words = Array.from({ length: 8000 }, () =>
    Array.from({ length: 1 + random(4) }, () => syllables[random(60)]).join(""),
  );
  const captions = Array.from(
    { length: 100_000 },
    () => [Array.from({ length: 5 }, () => words[random(8000)]).join(" "), 1] as const,
  );
  const { vocab } = trainBpe(captions, 3000);
  expect(Object.keys(JSON.parse(vocab) as object)).toHaveLength(3000);
});

test("sizes and counts outside their range are refused", () => {
  expect(() => trainBpe([], 513)).toThrow(RequestError);
  expect(() => trainBpe([], 513)).toThrow("size: must be from 514 to 1048576, got 513");
  expect(() => trainBpe([["a", -1]], 600)).toThrow("texts: a count must be a whole number from 0");
});
