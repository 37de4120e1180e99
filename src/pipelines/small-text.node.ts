/** @file Reads text files of unknown origin that lie beside a model. */
import { open, stat } from "node:fs/promises";
import { FormatError } from "../base/index.ts";
import { decodeUtf8 } from "../formats/index.ts";

/** CLIP's vocabulary, the largest of them, takes 1 MB. */
const maxBytes = 2 ** 25;

/** The text of a file, undefined where there is none; whatever else is wrong is a FormatError. */
export async function readSmallText(path: string): Promise<string | undefined> {
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw new FormatError(`${path} cannot be read`, { cause });
  });
  if (!found) return undefined;
  if (!found.isFile()) throw new FormatError(`${path} is not a file`);
  if (found.size > maxBytes)
    throw new FormatError(`${path} has ${found.size} bytes, over the ${maxBytes} of any such file`);
  const handle = await open(path).catch((cause: unknown) => {
    throw new FormatError(`${path} cannot be read`, { cause });
  });
  const bytes = await handle.readFile().finally(() => handle.close());
  return decodeUtf8(bytes, path);
}
