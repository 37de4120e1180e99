/** @file The folders limn works with: its own package and its data. */
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The folder of the installed package, which holds `models/`. */
export function packageFolder(): string {
  return fileURLToPath(new URL("../..", import.meta.url));
}

/** Where models and settings of this user are kept: `LIMN_DATA`, else the system's place for such. */
export function dataFolder(): string {
  const { LIMN_DATA, XDG_DATA_HOME, APPDATA } = process.env;
  if (LIMN_DATA) return LIMN_DATA;
  if (process.platform === "win32") return join(APPDATA ?? homedir(), "limn");
  if (process.platform === "darwin")
    return join(homedir(), "Library", "Application Support", "limn");
  return join(XDG_DATA_HOME ?? join(homedir(), ".local", "share"), "limn");
}

/** limn's version, from its package.json. */
export function limnVersion(): string {
  const text = readFileSync(join(packageFolder(), "package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}
