/** @file Reads a recipe file: TypeScript or JavaScript whose default export is a recipe. */
import { existsSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { extname, resolve } from "node:path";
import { createJiti } from "jiti";
import { LimnError, RequestError } from "../base/index.ts";
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

const extensions = [".ts", ".mts", ".cts", ".js", ".mjs", ".cjs"];

/** What a recipe is, for those who gave something else. */
const whatItIs =
  "a recipe is a TypeScript or JavaScript file that ends with: export default defineRecipe({ name, stages }); recipes/ddpm.ts is one";

/** The absolute path of what may be a recipe, by its place and its name; nothing is run. */
export async function recipeFile(path: string): Promise<string> {
  const file = resolve(path);
  const exists = await stat(file).then(
    (s) => s.isFile(),
    () => false,
  );
  if (!exists)
    throw new RequestError("recipe", `${path} is not a file`, {
      hint: "give a recipe such as recipes/ddpm.ts",
    });
  if (!extensions.includes(extname(file).toLowerCase()))
    throw new RequestError(
      "recipe",
      `${path} is none by its name: it needs one of ${extensions.join(" ")}`,
      { hint: whatItIs },
    );
  return file;
}

/** Runs a recipe file and returns what it exports. A recipe is a program: only run files you trust. */
export async function loadRecipe(path: string): Promise<Recipe> {
  const file = await recipeFile(path);
  const jiti = createJiti(import.meta.url, { virtualModules: await runningCopy() });
  const recipe = await jiti
    .import<Recipe | undefined>(file, { default: true })
    .catch((error: unknown) => {
      throw explainReading(error);
    });
  const valid = typeof recipe?.name === "string" && Array.isArray(recipe.stages);
  if (!valid)
    throw new RequestError("recipe", `${path} does not export a recipe by default`, {
      hint: whatItIs,
    });
  if (recipe.stages.length === 0)
    throw new RequestError("recipe", `${path} has no stages, so there is nothing to train`, {
      hint: "stages: [{ name, steps, … }]; recipes/ddpm.ts is one",
    });
  return recipe;
}

/** What kept a recipe, or a file that it imports, from being read, with its place; other errors as they are. */
function explainReading(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { message } = error;
  const [, problem, line, column] =
    /^ParseError: (.*?)\s*\n\s*(.+:\d+):(\d+)$/s.exec(message) ?? [];
  if (column !== undefined) {
    // The parser counts columns from 0, editors from 1.
    const place = `${line}:${Number(column) + 1}`;
    return new LimnError("recipe", `${place} cannot be understood: ${lowerFirst(problem)}`, {
      hint: `mend that line; ${whatItIs}`,
      cause: error,
    });
  }
  const [, missing, from] =
    /^Cannot find module '(.+?)'\nRequire stack:\n- (.+)$/m.exec(message) ?? [];
  if (missing === undefined) return error;
  return new LimnError("recipe", `${from} imports "${missing}", which cannot be found`, {
    hint: missing.startsWith(".")
      ? "paths are relative to the file that imports them, their ending included"
      : "npm install fetches packages; the parts of limn are limn, limn/training, limn/models and the others of its package.json",
    cause: error,
  });
}

const lowerFirst = (text: string) => text.charAt(0).toLowerCase() + text.slice(1);
