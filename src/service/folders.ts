/** @file The folders limn works with: its own package and its data. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { dataFolderOf, userSystem } from "../base/index.ts";

/** The folder of the installed package, which holds `models/`. */
export function packageFolder(): string {
  return fileURLToPath(new URL("../..", import.meta.url));
}

/** Where models, engines and settings of this user are kept. */
export function dataFolder(): string {
  return dataFolderOf(userSystem(homedir()));
}

/** limn's version, from its package.json. */
export function limnVersion(): string {
  const text = readFileSync(join(packageFolder(), "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
