/** @file Reads a recipe file: TypeScript or JavaScript whose default export is a recipe. */
import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { createJiti } from "jiti";
import { RequestError } from "../base/index.ts";
import type { Recipe } from "./recipe.ts";

/** Folders that the package does not export. */
const edges: readonly string[] = ["server", "cli", "bots"];

/**
 * This very copy of limn under its public names, `limn` and `limn/LAYER`. A recipe that resolved them by itself would load a second
 * copy, whose modules and tensors are no instances of this one's classes.
 */
async function runningCopy(): Promise<Record<string, unknown>> {
  const [extension] = /\.\w+$/.exec(import.meta.url) ?? [""];
  const layers = new URL("../", import.meta.url);
  const root = new URL(`index${extension}`, layers);
  const copy: Record<string, unknown> = existsSync(root) ? { limn: await import(root.href) } : {};
  for (const entry of await readdir(layers, { withFileTypes: true })) {
    const face = new URL(`${entry.name}/index${extension}`, layers);
    if (!entry.isDirectory() || edges.includes(entry.name) || !existsSync(face)) continue;
    copy[`limn/${entry.name}`] = await import(face.href);
  }
  return copy;
}

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
  const jiti = createJiti(import.meta.url, { virtualModules: await runningCopy() });
  const recipe = await jiti.import<Recipe | undefined>(file, { default: true });
  const valid = typeof recipe?.name === "string" && Array.isArray(recipe.stages);
  if (!valid)
    throw new RequestError("recipe", `${path} does not export a recipe by default`, {
      hint: "end the file with: export default defineRecipe({ name, stages })",
    });
  return recipe;
}
