/** @file Where limn keeps what it can make again, by each system's own custom. */
import { homedir } from "node:os";
import { join } from "node:path";

/** Cache folder: `LIMN_CACHE`, else the system's place for caches. */
export function cacheFolder(): string {
  const { LIMN_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = process.env;
  if (LIMN_CACHE) return LIMN_CACHE;
  if (process.platform === "win32") return join(LOCALAPPDATA ?? homedir(), "limn", "cache");
  if (process.platform === "darwin") return join(homedir(), "Library", "Caches", "limn");
  return join(XDG_CACHE_HOME ?? join(homedir(), ".cache"), "limn");
}
