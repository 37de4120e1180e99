/** @file Texts side by side. */
import { expect, test } from "vitest";
import { columnsOf } from "./columns.ts";

test("go down one column after another, as many columns as fit", () => {
  const texts = ["кот", "b", "ccccc", "d", "e"];
  expect(columnsOf(texts, 14)).toEqual(["кот    d", "b      e", "ccccc"]);
  expect(columnsOf(texts, 21)).toEqual(["кот    ccccc  e", "b      d"]);
  expect(columnsOf(texts, 1)).toEqual(texts);
  expect(columnsOf([], 80)).toEqual([]);
});
