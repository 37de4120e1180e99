/** @file What others get: the exports, the files, the lockfile, and that the documents lead somewhere. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import ts from "typescript";
import { beforeAll, describe, expect, test } from "vitest";
import { buildIfStale } from "./reference/built-cli.ts";
import { MAY_IMPORT } from "./reference/layers.ts";

interface Manifest {
  readonly version: string;
  readonly bin: { readonly limn: string };
  readonly exports: Readonly<Record<string, unknown>>;
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
  readonly optionalDependencies: Readonly<Record<string, string>>;
  readonly devDependencies: Readonly<Record<string, string>>;
}
const manifest = JSON.parse(readFileSync("package.json", "utf8")) as Manifest;
const specifiers = Object.keys(manifest.exports)
  .filter((key) => key !== "./package.json")
  .map((key) => key.replace(".", "limn"));

/** Paths of all files below a folder, which may be missing. */
const filesUnder = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: "utf8" }).map((file) => join(folder, file))
    : [];

/** Every path in a value of `exports`. */
const pathsIn = (value: unknown): string[] =>
  typeof value === "string" ? [value] : Object.values(Object(value) as object).flatMap(pathsIn);

/** The source of a built file, declarations included. */
const sourceOf = (path: string) =>
  path.replace(/^(\.\/)?dist\//, "src/").replace(/(\.d\.ts|\.js)$/, ".ts");

describe("exports", () => {
  test("every layer below the edges has its own, and the root none else", () => {
    const layers = Object.keys(MAY_IMPORT).filter(
      (name) => !/^(server|cli|(index|browser)\.ts)$/.test(name),
    );
    const expected = ["limn", ...layers.map((name) => `limn/${name}`)];
    expect([...specifiers].sort()).toEqual(expected.sort());
  });

  test("all their paths have sources", () => {
    const paths = [manifest.bin.limn, ...pathsIn(manifest.exports)].map(sourceOf);
    expect(paths.filter((path) => !existsSync(path))).toEqual([]);
  });

  // Node.js requires ES modules, but only those in which nothing waits at the top level; CommonJS has the same limit.
  const asCommonJs = { bundle: true, write: false, format: "cjs", platform: "node" } as const;

  test("can be required: no module waits at its top level", async () => {
    const paths = pathsIn(manifest.exports).filter((path) => path.endsWith(".js"));
    const built = await build({
      ...asCommonJs,
      entryPoints: paths.map(sourceOf),
      outdir: "unwritten",
      packages: "external",
      logLevel: "silent",
    });
    expect(built.outputFiles).toHaveLength(paths.length);
    const waiting = {
      stdin: { contents: "export const x = await 1;" },
      logLevel: "silent",
    } as const;
    await expect(build({ ...asCommonJs, ...waiting })).rejects.toThrow(/Top-level await/);
  });
});

describe("types", () => {
  beforeAll(() => buildIfStale(), 120_000);

  // What a strict program that knows of no Node.js has: the language, a page, and nothing of node_modules/@types.
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2022.d.ts", "lib.dom.d.ts"],
    module: ts.ModuleKind.NodeNext,
    types: [],
    strict: true,
    skipLibCheck: false,
    noEmit: true,
  };
  const faces = pathsIn(manifest.exports).filter((path) => path.endsWith(".d.ts"));

  test("stand alone: no face needs @types/node or a newer library", () => {
    const program = ts.createProgram(faces, options);
    const own = program.getSourceFiles().filter(({ fileName }) => fileName.includes("dist/"));
    expect(own.length).toBeGreaterThan(100);
    const found = [...program.getOptionsDiagnostics(), ...program.getSemanticDiagnostics()];
    const text = ts.formatDiagnostics(found, {
      getCanonicalFileName: (name) => name,
      getCurrentDirectory: () => process.cwd(),
      getNewLine: () => "\n",
    });
    expect(text).toBe("");
  });

  test("each face that has something to close brings the types of that", () => {
    const host = ts.createCompilerHost(options);
    const read = new Map<string, ts.SourceFile | undefined>();
    const parse = host.getSourceFile.bind(host);
    host.getSourceFile = (name, ...how) => {
      if (!read.has(name)) read.set(name, parse(name, ...how));
      return read.get(name);
    };
    for (const face of faces) {
      const files = ts.createProgram([face], options, host).getSourceFiles();
      const closes = files.some(
        ({ fileName, text }) => fileName.includes("dist/") && text.includes("Disposable"),
      );
      const brought = files.some(({ fileName }) => fileName.endsWith("lib.esnext.disposable.d.ts"));
      expect([face, brought || !closes]).toEqual([face, true]);
    }
  });
});

test("the lockfile belongs to package.json", () => {
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8")) as {
    packages: Record<string, Partial<Manifest>>;
  };
  const { version, bin, engines, dependencies, optionalDependencies, devDependencies } = manifest;
  const own = { version, bin, engines, dependencies, optionalDependencies, devDependencies };
  expect(lock.packages[""]).toMatchObject(own);
  const named = Object.keys({ ...dependencies, ...optionalDependencies, ...devDependencies });
  expect(named.filter((name) => !Object.hasOwn(lock.packages, `node_modules/${name}`))).toEqual([]);
});

describe("documents", () => {
  const pages = [".", "docs", "src", "models"]
    .flatMap((top) => (top === "." ? readdirSync(top) : filesUnder(top)))
    .filter((file) => file.endsWith(".md"));
  const blocks = (page: string) =>
    [...readFileSync(page, "utf8").matchAll(/^```\w*\n(.*?)^```/gms)].map(([, code]) => code);

  test.each(pages)("the links of %s lead somewhere", (page) => {
    const links = [...readFileSync(page, "utf8").matchAll(/\]\(([^)#\s]+)/g)].map(([, to]) => to);
    const local = links.filter((to) => !/^\w+:/.test(to));
    expect(local.filter((to) => !existsSync(join(dirname(page), to)))).toEqual([]);
  });

  test("both README show the same commands and programs", () => {
    expect(blocks("README.md")).toEqual(blocks("README.ru.md"));
  });

  test("README's program is the example that is run", () => {
    const [, ...lines] = readFileSync("examples/first-picture.ts", "utf8").split("\n");
    expect(blocks("README.md")).toContain(lines.join("\n"));
  });

  test("rules are numbered without gaps, and tests cite only rules that exist", () => {
    const rules = { T: "tensor", S: "schedulers", G: "service" };
    const tests = [...filesUnder("src"), ...filesUnder("tests")].filter((file) =>
      /\.test\.ts$/.test(file),
    );
    const cited = tests.flatMap((file) => readFileSync(file, "utf8").match(/\[[TSG]\d+\]/g) ?? []);
    for (const [letter, folder] of Object.entries(rules)) {
      const page = readFileSync(`src/${folder}/SPEC.md`, "utf8");
      const numbers = [...page.matchAll(/^(\d+)\. /gm)].map(([, number]) => Number(number));
      expect(numbers).toEqual(numbers.map((_, i) => i + 1));
      const own = cited.filter((rule) => rule[1] === letter).map((rule) => parseInt(rule.slice(2)));
      expect(own.length).toBeGreaterThan(5);
      expect(own.filter((number) => !numbers.includes(number))).toEqual([]);
    }
  });

  test("CHANGELOG knows this version", () => {
    expect(readFileSync("CHANGELOG.md", "utf8")).toContain(`## [${manifest.version}]`);
  });

  test("THIRD_PARTY names every package limn needs to run", () => {
    const page = readFileSync("THIRD_PARTY.md", "utf8");
    const needed = Object.keys({ ...manifest.dependencies, ...manifest.optionalDependencies });
    expect(needed.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
});
