/** @file The files that a recipe is made of, loaded as recipes are: with the names of the public package. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { loadRecipe } from "../../src/training/load-recipe.node.ts";

/** What a file of `recipes/` exports. */
export async function recipeParts<T>(file: string): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "limn parts "));
  try {
    const wrapper = join(folder, "wrapper.ts");
    await writeFile(
      wrapper,
      `import * as parts from ${JSON.stringify(resolve("recipes", file))};
       export default { name: "parts", stages: [{ name: "none" }], parts };`,
    );
    return ((await loadRecipe(wrapper)) as unknown as { parts: T }).parts;
  } finally {
    await rm(folder, { recursive: true });
  }
}
