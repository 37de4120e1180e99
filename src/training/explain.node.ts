/** @file Errors of a run told with their place: the line of the recipe, or the file and what is kept. */
import { basename, dirname, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { EngineError, LimnError, systemReason } from "../base/index.ts";
import { newestCheckpoint } from "./run/state.node.ts";

/** Codes of writes that failed; the others mean that a recipe looked for something. */
const ofWriting = new Set(["ENOSPC", "EDQUOT", "EFBIG", "EACCES", "EPERM", "EROFS", "EIO"]);

/** The error of a stage that could not write; every other error as it is. */
export async function explainWriting(error: unknown, folder: string): Promise<unknown> {
  const found = systemReason(error);
  const { code, path } = Object(error) as NodeJS.ErrnoException;
  if (!found || !ofWriting.has(code ?? "")) return error;
  const kept = await newestCheckpoint(folder).catch(() => null);
  const rest = kept?.found
    ? `${basename(kept.found.file)} is kept, and the same command goes on from there`
    : "there is no checkpoint yet";
  return new EngineError(`cannot write ${path ?? folder}: ${found.reason}`, {
    hint: `${found.hint}; ${rest}`,
    cause: error,
  });
}

/** The error with the line of the recipe, or of a file beside it, that threw it; limn's own errors as they are. */
export function explainRecipe(error: unknown, recipe: string): unknown {
  if (!(error instanceof Error) || error instanceof LimnError) return error;
  const place = placeIn(error.stack ?? "", recipe);
  if (place === null) return error;
  // What a recipe imports is reached through an object of the module, which its author never wrote.
  const message = error.message.replace(/\(0 , \w+\.(\w+)\)/g, "$1");
  return new LimnError("recipe", `${message} (at ${place})`, { cause: error });
}

const own = fileURLToPath(new URL("..", import.meta.url));

/** `file:line` of the first frame that lies in the recipe's folder and not in limn or a package. */
function placeIn(stack: string, recipe: string): string | null {
  const folder = dirname(recipe) + sep;
  for (const line of stack.split("\n")) {
    if (!/^\s+at /.test(line)) continue;
    const frame = line.replace("file://", "");
    const [, file, number] = /((?:[A-Za-z]:)?[/\\].*?):(\d+):\d+\)?$/.exec(frame) ?? [];
    if (!file?.startsWith(folder) || file.startsWith(own) || file.includes("node_modules"))
      continue;
    return `${file}:${number}`;
  }
  return null;
}
