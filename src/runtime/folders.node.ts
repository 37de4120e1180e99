/** @file The folders of this user, for engines and what is made for them. */
import { readdirSync } from "node:fs";
import { homedir } from "node:os";
import { cacheFolderOf, dataFolderOf, userSystem } from "../base/index.ts";

/** What can be made again: twins of weights, compiled models. */
export function cacheFolder(): string {
  return cacheFolderOf(userSystem(homedir()));
}

/** What the user gave: engines among it. */
export function dataFolder(): string {
  return dataFolderOf(userSystem(homedir()));
}

/** The names in a folder, in order; none where it cannot be read. */
export function filesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}
