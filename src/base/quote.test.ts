/** @file What strangers wrote, in messages. */
import { expect, test } from "vitest";
import { inert, inertJson, listed, quote, shown } from "./index.ts";

const harmless = /^[^\p{Cc}\u200e\u200f\u061c\u2028-\u202e\u2066-\u2069]*$/u;

test("no character that a terminal obeys is left", () => {
  const all = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code)).join("");
  expect(quote(all, Infinity)).toMatch(harmless);
  expect(shown({ [all]: [all] }, Infinity)).toMatch(harmless);
  expect(inert(all).replaceAll("\t", "")).toMatch(harmless);
  expect(inert("кот 😀 é\ta\nb\r\u001b]0;x\u0007\u202e")).toBe(
    "кот 😀 é\ta\\nb\\u000d\\u001b]0;x\\u0007\\u202e",
  );
  expect(inertJson({ [all]: [all] })).toMatch(harmless);
  expect(JSON.parse(inertJson({ [all]: [all] }))).toEqual({ [all]: [all] });
  expect(JSON.parse(quote(all, Infinity))).toBe(all);
  expect(quote("a\u001b[2J\u202e\u009b")).toBe('"a\\u001b[2J\\u202e\\u009b"');
});

test("long text is cut, also within a surrogate pair", () => {
  expect(quote("x".repeat(1000))).toBe(`"${"x".repeat(60)}…"`);
  expect(quote("x😀", 2)).toBe('"x\\ud83d…"');
  expect(shown(Array(1000).fill(1)).length).toBeLessThan(70);
});

test("values are shown as JSON", () => {
  expect([undefined, null, "a", 1, { a: [true] }].map((value) => shown(value))).toEqual([
    "nothing",
    "null",
    '"a"',
    "1",
    '{"a":[true]}',
  ]);
});

test("of many names five are told", () => {
  expect(listed(["down.0/a-b_c", "\u0007", "a b"])).toBe('down.0/a-b_c, "\\u0007", "a b"');
  expect(listed([..."abcdefg"])).toBe("a, b, c, d, e, and 2 more");
  expect(listed(["x".repeat(1000)]).length).toBeLessThan(70);
});
