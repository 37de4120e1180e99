/** @file Reads small JSON files of unknown origin. */
import { open, stat } from "node:fs/promises";
import { FormatError } from "../base/index.ts";
import { parseJson, type JsonValue } from "../formats/index.ts";

const maxBytes = 2 ** 22; // no config of a model comes near

/** Whether something that can be read lies at `path`. */
export async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

/** The JSON value in a file, or a FormatError that names the file. */
export async function readJsonFile(path: string): Promise<JsonValue> {
  const found = await stat(path).catch((cause: unknown) => {
    throw new FormatError(`${path} does not exist or cannot be reached`, { cause });
  });
  if (!found.isFile()) throw new FormatError(`${path} is not a file`);
  if (found.size > maxBytes)
    throw new FormatError(`${path} has ${found.size} bytes, over the ${maxBytes} of any config`);
  const handle = await open(path, "r");
  const bytes = await handle.readFile().finally(() => handle.close());
  return parseJson(bytes, { what: path, maxBytes });
}
