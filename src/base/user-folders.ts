/** @file Where a program keeps what belongs to its user, by each system's own custom. */

/** What the custom depends on. */
export interface UserSystem {
  /** As Node.js calls it: linux, darwin, win32, … */
  readonly platform: string;
  readonly home: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

/** The system that this program runs on, for the user whose home folder is `home`. */
export function userSystem(home: string): UserSystem {
  return { platform: process.platform, home, environment: process.env };
}

/** For what can be made again: `LIMN_CACHE`, else the system's place for caches. */
export function cacheFolderOf({ platform, home, environment }: UserSystem): string {
  const { LIMN_CACHE, XDG_CACHE_HOME, LOCALAPPDATA } = environment;
  if (LIMN_CACHE) return LIMN_CACHE;
  if (platform === "win32") return `${LOCALAPPDATA ?? home}\\limn\\cache`;
  if (platform === "darwin") return `${home}/Library/Caches/limn`;
  return `${XDG_CACHE_HOME ?? `${home}/.cache`}/limn`;
}

/** For models, engines and settings: `LIMN_DATA`, else the system's place for data that stays on its machine. */
export function dataFolderOf({ platform, home, environment }: UserSystem): string {
  const { LIMN_DATA, XDG_DATA_HOME, LOCALAPPDATA } = environment;
  if (LIMN_DATA) return LIMN_DATA;
  if (platform === "win32") return `${LOCALAPPDATA ?? home}\\limn`;
  if (platform === "darwin") return `${home}/Library/Application Support/limn`;
  return `${XDG_DATA_HOME ?? `${home}/.local/share`}/limn`;
}
