/** @file Which package index to ask: the one that was given, or that pip or uv are set up with. limn knows none by itself. */
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { RequestError } from "../../base/index.ts";

/** Where pip keeps its settings, the nearest to the user first: "Configuration files" in its documentation. */
function pipFiles(environment: NodeJS.ProcessEnv): string[] {
  const { PIP_CONFIG_FILE, VIRTUAL_ENV, XDG_CONFIG_HOME, APPDATA, ProgramData } = environment;
  const home = homedir();
  const name = process.platform === "win32" ? "pip.ini" : "pip.conf";
  return [
    ...(PIP_CONFIG_FILE ? [PIP_CONFIG_FILE] : []),
    ...(VIRTUAL_ENV ? [join(VIRTUAL_ENV, name)] : []),
    ...(APPDATA ? [join(APPDATA, "pip", name)] : []),
    ...(process.platform === "darwin"
      ? [join(home, "Library", "Application Support", "pip", name)]
      : []),
    join(XDG_CONFIG_HOME ?? join(home, ".config"), "pip", name),
    join(home, ".pip", name),
    ...(ProgramData ? [join(ProgramData, "pip", name)] : []),
    "/etc/xdg/pip/pip.conf",
    "/etc/pip.conf",
  ];
}

/** `index-url` of the section [global], else of [install] and [download], in a file of pip's settings. */
export function indexInPipFile(text: string): string | null {
  const found = new Map<string, string>();
  let section = "";
  for (const line of text.split(/\r?\n/)) {
    const head = /^\s*\[([^\]]+)\]\s*$/.exec(line);
    if (head) section = head[1].trim();
    const pair = /^\s*index[-_]url\s*[=:]\s*(\S+)\s*$/.exec(line);
    if (pair) found.set(section, pair[1]);
  }
  return found.get("download") ?? found.get("install") ?? found.get("global") ?? null;
}

/** The address of the package index; null where nobody named one. */
export async function indexAddress(
  given: string | null,
  environment: NodeJS.ProcessEnv = process.env,
): Promise<URL | null> {
  if (given !== null) return parsed("index", given);
  const { PIP_INDEX_URL, UV_DEFAULT_INDEX, UV_INDEX_URL } = environment;
  for (const [name, text] of Object.entries({ PIP_INDEX_URL, UV_DEFAULT_INDEX, UV_INDEX_URL }))
    if (text) return parsed(name, text);
  for (const file of pipFiles(environment)) {
    const text = await readFile(file, "utf8").catch(() => "");
    const index = indexInPipFile(text);
    if (index !== null) return parsed(file, index);
  }
  return null;
}

function parsed(field: string, text: string): URL {
  if (URL.canParse(text) && /^https?:/.test(text)) return new URL(text);
  throw new RequestError(field, "is not the address of a package index", {
    hint: "it begins with https:// and often ends with /simple/",
  });
}
