/** @file Where pictures go: names made of prompt and seed, never over something that is there. */
import { constants, copyFile, link, stat, unlink, writeFile } from "node:fs/promises";
import { randomUUID } from "node:crypto";
import { dirname, extname, join } from "node:path";
import { RequestError } from "../base/index.ts";
import { writingError } from "./places.ts";

/** A place for pictures: one file, or a folder that names them by prompt or by number. */
export type Target =
  | { readonly kind: "file"; readonly path: string }
  | { readonly kind: "folder"; readonly path: string; readonly names: "prompt" | "number" };

/** What `--out` means: null is the current folder; a name without an ending is a folder. */
export async function targetOf(
  out: string | null,
  { numbered }: { numbered: boolean },
): Promise<Target> {
  if (out === null) return { kind: "folder", path: ".", names: "prompt" };
  const found = await stat(out).catch(() => null);
  const ending = extname(out).toLowerCase();
  if (found?.isDirectory() || /[/\\]$/.test(out) || ending === "")
    return { kind: "folder", path: out, names: numbered ? "number" : "prompt" };
  if (ending === ".png") return { kind: "file", path: out };
  throw new RequestError("out", `limn writes .png files, got "${out}"`, {
    hint: "give a name that ends in .png, or a folder",
  });
}

/** The name a picture would like to have. */
export function wishedPath(
  target: Target,
  { index, prompt, seed }: { index: number; prompt: string; seed: number },
): string {
  if (target.kind === "file") return target.path;
  const name =
    target.names === "number" ? String(index).padStart(5, "0") : `${slugOf(prompt)}-${seed}`;
  return join(target.path, `${name}.png`);
}

/** A prompt as part of a file name: letters and digits of any script, the rest as hyphens. */
export function slugOf(prompt: string): string {
  const words =
    prompt
      .normalize("NFC")
      .toLowerCase()
      .match(/[\p{L}\p{M}\p{N}]+/gu) ?? [];
  let slug = "";
  for (const word of words) {
    const longer = slug === "" ? word : `${slug}-${word}`;
    if (longer.length > 60) break;
    slug = longer;
  }
  return slug || (words[0]?.slice(0, 60) ?? "picture");
}

/**
 * Makes a file in a folder that is there; it appears whole or not at all and takes nobody's place: `name.png`, else
 * `name-2.png`, … Returns the path that it got. `content` is bytes, or what writes them to a path.
 */
export async function writeNewFile(
  wished: string,
  content: Uint8Array | ((path: string) => Promise<void>),
): Promise<string> {
  const temporary = join(dirname(wished), `.limn-${randomUUID()}.tmp`);
  try {
    if (typeof content === "function") await content(temporary);
    else await writeFile(temporary, content, { flag: "wx" });
    return await placeFree(temporary, wished);
  } catch (error) {
    throw writingError(wished, error);
  } finally {
    await unlink(temporary).catch(() => undefined); // it may never have come to be
  }
}

/** The path, or the first of -2, -3, … that is free. */
function numbered(path: string, number: number): string {
  if (number === 1) return path;
  const ending = extname(path);
  return `${path.slice(0, path.length - ending.length)}-${number}${ending}`;
}

/** A second name for a file, or a copy of it; both fail where the name is taken, even between look and leap. */
async function linkOrCopy(from: string, to: string): Promise<void> {
  await link(from, to).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code === "EEXIST") throw error;
    // A file system without hard links.
    await copyFile(from, to, constants.COPYFILE_EXCL);
  });
}

/** Gives the temporary file the first free name. */
async function placeFree(temporary: string, wished: string): Promise<string> {
  for (let number = 1; ; number++) {
    const path = numbered(wished, number);
    try {
      await linkOrCopy(temporary, path);
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}
