/** @file What package.json gives to browsers, and what their bundlers make of it. */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Plugin } from "esbuild";

/** Files of one face. */
interface Paths {
  readonly types: string;
  readonly default: string;
}
export const manifest = JSON.parse(readFileSync("package.json", "utf8")) as {
  /** Files in the place of others, wherever a bundler for browsers meets those within the package. */
  browser: Readonly<Record<string, string>>;
  exports: Readonly<Record<string, string | Paths | { browser: Paths; default: Paths }>>;
};

/** The source of a built file. */
export function sourceOf(path: string): string {
  return path.replace(/^\.\/dist\//, "src/").replace(/js$/, "ts");
}

/** What bundlers do with the package's field `browser`, on its sources. */
export const browserField: Plugin = {
  name: "browser field",
  setup(build) {
    const places = Object.entries(manifest.browser).map(([from, to]) =>
      [from, to].map((path) => resolve(sourceOf(path))),
    );
    const faces = new Map(places as [string, string][]);
    build.onResolve({ filter: /\/index\.ts$/ }, ({ path, resolveDir }) => {
      const face = faces.get(resolve(resolveDir, path));
      return face === undefined ? undefined : { path: face, sideEffects: false };
    });
  },
};
