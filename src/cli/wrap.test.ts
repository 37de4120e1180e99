/** @file Lists in lines. */
import { expect, test } from "vitest";
import { wrapList } from "./wrap.ts";

test("fill lines to their width, and no further where a text fits at all", () => {
  const texts = ["кот", "b", "ccccc", "d"];
  expect(wrapList("ru:", texts, 80)).toEqual(["ru: кот, b, ccccc, d"]);
  expect(wrapList("ru:", texts, 17)).toEqual(["ru: кот, b,", "    ccccc, d"]);
  expect(wrapList("ru:", texts, 18)).toEqual(["ru: кот, b, ccccc,", "    d"]);
  expect(wrapList("ru:", texts, 1)).toEqual(["ru: кот,", "    b,", "    ccccc,", "    d"]);
  expect(wrapList("ru:", [], 80)).toEqual(["ru:"]);
});
