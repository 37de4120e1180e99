/** @file CLIP's tokenizer against ids of transformers, and against broken files. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { FormatError, RequestError } from "../base/index.ts";
import { ClipTokenizer } from "./clip.ts";
import type { ClipTokenizerFiles } from "./clip-files.ts";
import { byteLetters, byteOrder, normalize, wordEnd } from "./pieces.ts";

interface Case {
  readonly name: string;
  readonly text: string;
  readonly ids: number[];
  readonly fast?: number[];
}
interface Golden {
  readonly bos: number;
  readonly eos: number;
  readonly vocabulary: number;
  readonly cases: readonly Case[];
}
interface FullGolden extends Golden {
  readonly truncation: readonly { readonly name: string; readonly ids: number[] }[];
  readonly padding: readonly { pad_token: string; text: string; ids: number[] }[];
}

const folder = join(import.meta.dirname, "../../tests/goldens/tokenizer/small");
const read = (name: string) => readFileSync(join(folder, name), "utf8");
const small: ClipTokenizerFiles & { vocab: string } = {
  vocab: read("vocab.json"),
  merges: read("merges.txt"),
  config: read("tokenizer_config.json"),
  specialTokensMap: read("special_tokens_map.json"),
};
const smallPaddedBy = (pad: string) =>
  ClipTokenizer.fromFiles({ ...small, specialTokensMap: JSON.stringify({ pad_token: pad }) });

/** Ids of the fast class, by case name, for cases where `tokenizer` gives others. */
function differences(tokenizer: ClipTokenizer, cases: readonly Case[]) {
  return cases
    .map(({ name, text, ids, fast }) => ({
      name,
      expected: fast ?? ids,
      got: tokenizer.encode(text),
    }))
    .filter(({ expected, got }) => expected.join() !== got.join());
}

test("the small vocabulary gives the ids of transformers' fast class", () => {
  const golden = JSON.parse(read("cases.json")) as Golden;
  const tokenizer = ClipTokenizer.fromFiles(small);
  expect(golden.cases.length).toBe(40);
  expect(differences(tokenizer, golden.cases)).toEqual([]);
  expect(tokenizer.startId).toBe(golden.bos);
  expect(tokenizer.endId).toBe(golden.eos);
  expect(tokenizer.padId).toBe(golden.eos);
  expect(tokenizer.vocabularySize).toBe(golden.vocabulary);
  expect(tokenizer.maxLength).toBe(77);
});

test("every text of the whole vocabulary, its truncation and its padding", (context) => {
  const goldens = process.env.LIMN_GOLDENS;
  const source = join(goldens ?? "", "../reference/clip-bpe/bpe_simple_vocab_16e6.txt.gz");
  context.skip(!goldens, "LIMN_GOLDENS names no folder");
  context.skip(!existsSync(source), `no ${source}`);
  const golden = JSON.parse(
    readFileSync(join(goldens ?? "", "tokenizer/clip.json"), "utf8"),
  ) as FullGolden;
  const lines = gunzipSync(readFileSync(source)).toString("utf8").split("\n").slice(1, 48_895);
  const letters = byteOrder.map((byte) => byteLetters[byte]);
  const entries = [
    ...letters,
    ...letters.map((letter) => letter + wordEnd),
    ...lines.map((line) => line.replace(" ", "")),
    "<|startoftext|>",
    "<|endoftext|>",
  ];
  const vocab = JSON.stringify(Object.fromEntries(entries.map((entry, id) => [entry, id])));
  const files = { ...small, vocab, merges: ["#version: 0.2", ...lines, ""].join("\n") };
  const tokenizer = ClipTokenizer.fromFiles(files);

  expect(golden.cases.length).toBe(191);
  expect(differences(tokenizer, golden.cases)).toEqual([]);
  expect(tokenizer.vocabularySize).toBe(golden.vocabulary);
  for (const { name, ids } of golden.truncation) {
    const text = golden.cases.find((one) => one.name === name)?.text ?? "";
    expect([...tokenizer.encodePadded(text)], name).toEqual(ids);
  }
  for (const { pad_token, text, ids } of golden.padding) {
    const specialTokensMap = JSON.stringify({ pad_token });
    const other = ClipTokenizer.fromFiles({ ...files, specialTokensMap });
    expect([...other.encodePadded(text).slice(0, 12)], text).toEqual(ids);
  }
});

describe("special tokens", () => {
  test("! is special exactly where it is the pad token", () => {
    const [usual, second] = [ClipTokenizer.fromFiles(small), smallPaddedBy("!")];
    expect(usual.encode("cat!").slice(-3)).toEqual([536, 256, 1513]);
    expect(second.encode("cat!").slice(-3)).toEqual([536, 0, 1513]);
    expect(usual.encode("!!")).toEqual([1512, 748, 1513]);
    expect(second.encode("!!")).toEqual([1512, 0, 0, 1513]);
    expect(second.padId).toBe(0);
  });

  test("the map wins over an old configuration, added_tokens_decoder over the map", () => {
    const map = JSON.stringify({ pad_token: "!" });
    const config = { pad_token: "?", model_max_length: 1e30 };
    const padOf = (extra: object) =>
      ClipTokenizer.fromFiles({
        ...small,
        config: JSON.stringify({ ...config, ...extra }),
        specialTokensMap: map,
      }).padId;
    expect(padOf({})).toBe(0);
    expect(padOf({ added_tokens_decoder: { 0: { content: "!", special: true } } })).toBe(30);
  });

  test("tokens added behind the vocabulary are found in the text", () => {
    const config = JSON.stringify({ added_tokens_decoder: { 1514: { content: "<my cat>" } } });
    const tokenizer = ClipTokenizer.fromFiles({ ...small, config });
    expect(tokenizer.encode("a <my cat>.")).toEqual([1512, 320, 1514, 269, 1513]);
    expect(tokenizer.vocabularySize).toBe(1515);
  });

  test("specials in other case are found after lower-casing", () => {
    expect(ClipTokenizer.fromFiles(small).encode("<|ENDOFTEXT|>")).toEqual([1512, 1513, 1513]);
  });
});

test("padding: 75 tokens of the text at most, the rest is the pad token", () => {
  const tokenizer = smallPaddedBy("!");
  for (const words of [0, 1, 74, 75, 76, 200]) {
    const padded = tokenizer.encodePadded("a ".repeat(words));
    const kept = Math.min(words, 75);
    const expected = [
      1512,
      ...Array<number>(kept).fill(320),
      1513,
      ...Array<number>(75 - kept).fill(0),
    ];
    expect([...padded], `${words} words`).toEqual(expected);
  }
});

describe("decode", () => {
  test("gives the normalised text with one space after each word", () => {
    const tokenizer = ClipTokenizer.fromFiles(small);
    expect(tokenizer.decode(tokenizer.encode("  It's  CAFÉ\t42 "))).toBe("it 's café 4 2");
    expect(tokenizer.decode(tokenizer.encodePadded(""))).toBe("");
  });

  test("refuses ids outside the vocabulary, keeps going on broken UTF-8", () => {
    const tokenizer = ClipTokenizer.fromFiles(small);
    expect(() => tokenizer.decode([320, 1514])).toThrow(RequestError);
    expect(() => tokenizer.decode([1514])).toThrow("ids: must be from 0 to 1513, got 1514");
    expect(tokenizer.decode([127])).toBe("\ufffd");
  });

  test("gives back random Unicode texts, spaces aside", () => {
    const tokenizer = ClipTokenizer.fromFiles(small);
    const random = seeded(7);
    const ranges = [0x20, 0x7f, 0x250, 0x500, 0x1000, 0x3100, 0xd800, 0x10000, 0x20000, 0x110000];
    for (let round = 0; round < 2000; round++) {
      const codes = Array.from({ length: random(40) }, () => random(ranges[random(ranges.length)]));
      const text = String.fromCodePoint(...codes);
      const decoded = tokenizer.decode(tokenizer.encode(text));
      expect(bare(decoded), JSON.stringify(text)).toBe(bare(normalize(text)));
    }
  });
});

// The square of these lengths takes longer than any test may.
test("one piece of 200 000 letters and half a million spaces are read", () => {
  const tokenizer = ClipTokenizer.fromFiles(small);
  expect(tokenizer.encode("abcdefgh".repeat(25_000)).length).toBeGreaterThan(25_000);
  expect(tokenizer.encode(" ".repeat(500_000))).toEqual([1512, 1513]);
});

describe("broken files are refused with the file and its fault", () => {
  const vocabularyOf = (entries: object) => JSON.stringify(entries);
  const specials = { "<|startoftext|>": 1, "<|endoftext|>": 2 };
  const many = Array.from({ length: 2 ** 20 + 1 }, (_, id) => `"${id}":${id}`);
  test.each<[string, Partial<ClipTokenizerFiles>, string]>([
    ["no JSON", { vocab: "<html>" }, "vocab.json: is not JSON"],
    ["empty", { vocab: "" }, "vocab.json: is not JSON"],
    ["deep JSON", { vocab: "[".repeat(200_000) }, "vocab.json: is not JSON"],
    ["a list", { vocab: '["a"]' }, "vocab.json: needs an object, got a list"],
    ["null", { vocab: "null" }, "vocab.json: needs an object, got null"],
    ["no entries", { vocab: "{}" }, "vocab.json: needs 1 to 1048576 entries, has 0"],
    ["too many", { vocab: `{${many.join()}}` }, "vocab.json: needs 1 to 1048576 entries"],
    ["text ids", { vocab: vocabularyOf({ a: "0" }) }, 'vocab.json: "a" has the id "0", but'],
    ["fraction", { vocab: vocabularyOf({ a: 0.5 }) }, 'vocab.json: "a" has the id 0.5, but'],
    [
      "a hole",
      { vocab: vocabularyOf({ a: 0, b: 5, ...specials }) },
      'vocab.json: "b" has the id 5, but 4 entries',
    ],
    [
      "a double",
      { vocab: vocabularyOf({ a: 0, b: 0, ...specials }) },
      'vocab.json: "b" has the id 0, which another',
    ],
    [
      "no specials",
      { vocab: vocabularyOf({ a: 0, b: 1 }), merges: "" },
      'vocab.json: the special token "<|startoftext|>" is missing',
    ],
    [
      "no pad",
      { specialTokensMap: '{"pad_token":"[PAD]"}' },
      'vocab.json: the special token "[PAD]" is missing',
    ],
    [
      "one word",
      { merges: "#version: 0.2\ni n\nonlyone\n" },
      'merges.txt: line 3, "onlyone", needs two entries',
    ],
    ["three words", { merges: "a b c" }, 'merges.txt: line 1, "a b c", needs two entries'],
    ["not UTF-8", { merges: "\ufffd\ufffd" }, "merges.txt: line 1"],
    [
      "unknown part",
      { merges: "i 猫" },
      'merges.txt: line 1, "i 猫", needs "猫", which vocab.json does not have',
    ],
    ["unknown result", { merges: "q q" }, 'needs "qq", which vocab.json does not have'],
    [
      "too many merges",
      { merges: "\n".repeat(2 ** 20 + 1) },
      "merges.txt: needs at most 1048576 lines",
    ],
    ["config list", { config: "[]" }, "tokenizer_config.json: needs an object, got a list"],
    ["config broken", { config: "{" }, "tokenizer_config.json: is not JSON"],
    [
      "map of numbers",
      { specialTokensMap: '{"bos_token":5}' },
      "special_tokens_map.json: bos_token needs a text, got 5",
    ],
    [
      "empty token",
      { specialTokensMap: '{"eos_token":""}' },
      'special_tokens_map.json: eos_token needs a text, got ""',
    ],
    [
      "text length",
      { config: '{"model_max_length":"77"}' },
      'tokenizer_config.json: model_max_length needs a number from 2, got "77"',
    ],
    [
      "negative length",
      { config: '{"model_max_length":-1}' },
      "model_max_length needs a number from 2, got -1",
    ],
    [
      "half length",
      { config: '{"model_max_length":7.5}' },
      "model_max_length needs a whole number, got 7.5",
    ],
    [
      "added list",
      { config: '{"added_tokens_decoder":[1]}' },
      "added_tokens_decoder needs an object, got a list",
    ],
    [
      "added id",
      { config: '{"added_tokens_decoder":{"7":{"content":"!"}}}' },
      'added token "!" needs the id 0, got "7"',
    ],
    [
      "added inside",
      { config: '{"added_tokens_decoder":{"7":{"content":"<x>"}}}' },
      'added token "<x>" needs an id from 1514, got "7"',
    ],
    [
      "added huge",
      { config: '{"added_tokens_decoder":{"9e99":{"content":"<x>"}}}' },
      'added token "<x>" needs an id from 1514',
    ],
  ])("%s", (_, files, message) => {
    const load = () => ClipTokenizer.fromFiles({ ...small, ...files });
    expect(load).toThrow(FormatError);
    expect(load).toThrow(message);
  });

  test("an entry named __proto__ is an entry like any other", () => {
    const vocab = small.vocab.replace(/\}\s*$/u, ', "__proto__": 1514}');
    expect(ClipTokenizer.fromFiles({ ...small, vocab }).vocabularySize).toBe(1515);
  });
});

/** A text without white space, as UTF-8 can write it. */
function bare(text: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true })
    .decode(new TextEncoder().encode(text))
    .replace(/\p{White_Space}/gu, "");
}

/** Whole numbers below a limit, from a 32-bit linear congruence (Knuth's constants). */
function seeded(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
}
