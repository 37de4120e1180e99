/** @file Reads a recipe file: TypeScript or JavaScript whose default export is a recipe. */
import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { createJiti } from "jiti";
import { RequestError } from "../base/index.ts";
import type { Recipe } from "./recipe.ts";

/** Runs a recipe file and returns what it exports. A recipe is a program: only run files you trust. */
export async function loadRecipe(path: string): Promise<Recipe> {
  const file = resolve(path);
  const exists = await stat(file).then(
    (s) => s.isFile(),
    () => false,
  );
  if (!exists)
    throw new RequestError("recipe", `${path} is not a file`, {
      hint: "give a recipe such as recipes/ddpm.ts",
    });
  const recipe = await createJiti(import.meta.url).import<Recipe>(file, { default: true });
  const valid = typeof recipe?.name === "string" && Array.isArray(recipe.stages);
  if (!valid)
    throw new RequestError("recipe", `${path} does not export a recipe by default`, {
      hint: "end the file with: export default defineRecipe({ name, stages })",
    });
  return recipe;
}
