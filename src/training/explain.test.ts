/** @file Errors of recipes, told as their author would look for them. */
import { writeFile } from "node:fs/promises";
import { LimnError } from "../base/index.ts";
import { expect, test } from "vitest";
import { writeSmallRecipe } from "../../tests/reference/small-recipe.ts";
import { explainRecipe } from "./explain.node.ts";
import { loadRecipe } from "./load-recipe.node.ts";

test.each([
  ["export default\n  foo.bar;", "foo is not defined (at RECIPE:2)"],
  [
    'import { nothing } from "limn/training";\n\nexport default nothing();',
    "nothing is not a function (at RECIPE:3)",
  ],
])("%j", async (text, message) => {
  const { recipe } = await writeSmallRecipe();
  await writeFile(recipe, text);
  const thrown = await loadRecipe(recipe).catch((error: unknown) => error);
  const told = explainRecipe(thrown, recipe);
  expect(told).toBeInstanceOf(LimnError);
  expect((told as LimnError).message.replace(recipe, "RECIPE")).toBe(message);
});
