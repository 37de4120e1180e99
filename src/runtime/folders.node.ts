/** @file The folders of this user, for engines and what is made for them. */
import { homedir } from "node:os";
import { cacheFolderOf, dataFolderOf } from "../base/index.ts";

const system = () => ({
  platform: process.platform,
  home: homedir(),
  environment: process.env,
});

/** What can be made again: twins of weights, compiled models. */
export function cacheFolder(): string {
  return cacheFolderOf(system());
}

/** What the user gave: engines among it. */
export function dataFolder(): string {
  return dataFolderOf(system());
}
