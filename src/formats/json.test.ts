/** @file The strict reader against `JSON.parse`: the same values, fewer texts. */
import { expect, test } from "vitest";
import { parseJson } from "./json.ts";

const parse = (text: string | Uint8Array) => parseJson(text, { what: "x.json" });

test.each([
  '{"a": [1, -2.5e3, 0, true, false, null], "b": {"c": "d"}, "": {}}',
  ' [ [ ] , "\\u041a\\n\\"\\\\", "кот 🐱", 1E-7 ] ',
  "-0.0",
  '"\\ud83d\\ude00"',
])("%s means what JSON.parse says", (text) => {
  expect(parse(text)).toEqual(JSON.parse(text));
});

test.each([
  "",
  "{",
  "[1,]",
  "{,}",
  '{"a":1,}',
  "01",
  "1.",
  ".5",
  "+1",
  "NaN",
  "Infinity",
  "'a'",
  '"a',
  '"\t"',
  '"\\x"',
  "{a:1}",
  "[1 2]",
  "{} {}",
  "tru",
  "// x\n1",
  "-",
  "1e",
  '{"a" 1}',
  "\u00a01",
])("%j is refused here and by JSON.parse", (text) => {
  expect(() => JSON.parse(text) as unknown).toThrow();
  expect(() => parse(text)).toThrow(/^x\.json is not JSON: at character \d+ /);
});

test("what JSON.parse lets pass is refused", () => {
  expect(() => parse('{"a": 1, "\\u0061": 2}')).toThrow('the key "a" appears twice');
  expect(() => parse("1e400")).toThrow("range of f64");
  expect(() => parse("[".repeat(65))).toThrow("nested deeper than 64 levels");
  expect(parse("[".repeat(64) + "]".repeat(64))).toBeDefined();
  expect(() => parseJson("[1]", { what: "x", maxBytes: 2 })).toThrow("over the 2 allowed");
  expect(() => parse(Uint8Array.of(0x22, 0xff, 0x22))).toThrow("not UTF-8");
});

test("a byte order mark is passed over", () => {
  expect(parse("\ufeff[1]")).toEqual([1]);
});

test("keys that mean something in JavaScript are ordinary keys", () => {
  const value = parse('{"__proto__": {"polluted": 1}, "constructor": 2}');
  expect(Object.keys(value as object)).toEqual(["__proto__", "constructor"]);
  expect((value as { polluted?: number }).polluted).toBeUndefined();
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
});
