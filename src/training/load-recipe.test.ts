/** @file Recipe files get this very copy of limn, from a clone's sources and from an installed package. */
import { execFile } from "node:child_process";
import { cp, mkdir, readFile, readdir, symlink, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { transform } from "esbuild";
import { expect, test } from "vitest";
import { Module } from "../nn/index.ts";
import { writeSmallRecipe } from "../../tests/reference/small-recipe.ts";
import { loadRecipe } from "./load-recipe.node.ts";

test("a recipe's modules are this copy's", async () => {
  const { recipe } = await writeSmallRecipe();
  const { name, stages } = await loadRecipe(recipe);
  expect(name).toBe("small");
  expect(stages[0].trace().networks.net).toBeInstanceOf(Module);
});

test("every exported name is this copy's", async () => {
  const { exports } = JSON.parse(await readFile("package.json", "utf8")) as { exports: object };
  const names = Object.keys(exports).filter((name) => name !== "./package.json");
  expect(names).toContain(".");
  const { recipe } = await writeSmallRecipe();
  const imports = names.map((name, i) => `import * as n${i} from "limn${name.slice(1)}";`);
  await writeFile(
    recipe,
    `${imports.join("\n")}
    export default { name: "all", stages: [${names.map((_, i) => `n${i}`).join()}] };`,
  );
  const { stages } = await loadRecipe(recipe);
  for (const [i, name] of names.entries()) {
    const face = resolve("src", name, "index.ts");
    const ours = (await import(pathToFileURL(face).href)) as Record<string, unknown>;
    const theirs = stages[i] as unknown as Record<string, unknown>;
    expect(Object.keys(theirs).filter((key) => theirs[key] !== ours[key])).toEqual([]);
    expect(Object.keys(theirs).length).toBeGreaterThan(0);
  }
});

test("a file that is no recipe is told so", async () => {
  const { recipe, folder } = await writeSmallRecipe();
  await expect(loadRecipe(join(folder, "none.ts"))).rejects.toThrow("none.ts is not a file");
  await expect(loadRecipe(folder)).rejects.toThrow("is not a file");
  await writeFile(recipe, "export const recipe = 1;");
  await expect(loadRecipe(recipe)).rejects.toThrow("does not export a recipe by default");
  const empty = join(folder, "empty.ts");
  await writeFile(empty, 'export default { name: "nothing", stages: [] };');
  await expect(loadRecipe(empty)).rejects.toThrow("has no stages, so there is nothing to train");
});

test.each([
  [
    "broken.ts",
    "const a = 1;\nconst b = {;\n",
    "broken.ts:2:12 cannot be understood: unexpected token",
  ],
  ["broken.mjs", "export default {;", "broken.mjs:1:17 cannot be understood"],
  ["around.ts", 'import "./inner.ts";', "inner.ts:2:1 cannot be understood"],
  ["lost.ts", 'import "./nowhere.ts";', 'lost.ts imports "./nowhere.ts", which cannot be found'],
  ["lost.ts", 'import { x } from "limn/trainin";\nx();', 'imports "limn/trainin", which cannot'],
  ["notes.txt", "a red apple", "notes.txt is none by its name: it needs one of .ts .mts"],
  ["table.json", '{"name": "x", "stages": []}', "table.json is none by its name"],
])("%s with %j is told where and what is wrong", async (name, text, message) => {
  const { folder } = await writeSmallRecipe();
  await writeFile(join(folder, "inner.ts"), "\n}");
  await writeFile(join(folder, name), text);
  const loading = loadRecipe(join(folder, name));
  await expect(loading).rejects.toThrow(message);
  await expect(loading).rejects.toMatchObject({
    message: expect.not.stringContaining("\n") as string,
    hint: expect.stringMatching(
      /a recipe is a TypeScript or JavaScript file|paths are relative|npm/,
    ) as string,
  });
});

/** Lays limn out as npm installs it: JavaScript in `dist`, dependencies beside it. */
async function install(app: string): Promise<void> {
  const modules = join(app, "node_modules");
  await mkdir(join(modules, "limn"), { recursive: true });
  for (const name of await readdir("node_modules"))
    if (name !== "limn" && !name.startsWith("."))
      await symlink(resolve("node_modules", name), join(modules, name));
  await cp("package.json", join(modules, "limn", "package.json"));
  const files = await readdir("src", { recursive: true });
  for (const file of files.filter((name) => /\.ts$/.test(name) && !/\.test\.ts$/.test(name))) {
    const source = await readFile(join("src", file), "utf8");
    const { code } = await transform(source, { loader: "ts", target: "es2022" });
    const to = join(modules, "limn", "dist", file.replace(/\.ts$/, ".js"));
    await mkdir(dirname(to), { recursive: true });
    // As tsc does at the build.
    await writeFile(to, code.replace(/(from |import |import\()"(\.[^"]+)\.ts"/g, '$1"$2.js"'));
  }
}

test(
  "an installed package trains a recipe that imports it by name",
  { timeout: 120_000 },
  async () => {
    const { recipe, folder } = await writeSmallRecipe({ stage: "steps: 3," });
    await install(folder);
    const program = `
    import { ortEngine } from "limn/runtime";
    import { Module } from "limn/nn";
    import { loadRecipe, train } from "limn/training";
    const { stages } = await loadRecipe(process.argv[1]);
    console.log(stages[0].trace().networks.net instanceof Module);
    const options = { folder: process.argv[2], engine: await ortEngine(), threads: 1, clock: () => 0 };
    for await (const event of train(process.argv[1], options)) console.log(event.kind);`;
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ["--input-type=module", "-e", program, recipe, join(folder, "run")],
      { cwd: folder },
    );
    expect(stdout.trim().split("\n")).toEqual(
      "true stage step step step picture picture picture finished".split(" "),
    );
  },
);
