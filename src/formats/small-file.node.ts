/** @file Reads small files of unknown origin that lie beside a model: never more than a bound, whatever is there. */
import { open, stat } from "node:fs/promises";
import { FormatError } from "../base/index.ts";
import { decodeUtf8, parseJson, type JsonValue } from "./json.ts";

/** CLIP's vocabulary, the largest text beside a model, takes 1 MB. */
const maxTextBytes = 2 ** 25;
/** No config of a model comes near. */
const maxJsonBytes = 2 ** 22;

/** The bytes of a file, undefined where there is none; whatever else is wrong is a FormatError that names it. */
export async function readSmallFile(
  path: string,
  { maxBytes }: { maxBytes: number },
): Promise<Uint8Array | undefined> {
  const unreadable = (cause: unknown) => new FormatError(`${path} cannot be read`, { cause });
  const found = await stat(path).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return undefined;
    throw unreadable(cause);
  });
  if (!found) return undefined;
  // Opening a pipe would wait for its writer for ever.
  if (!found.isFile()) throw new FormatError(`${path} is not a file`);
  if (found.size > maxBytes)
    throw new FormatError(`${path} has ${found.size} bytes, over the ${maxBytes} of any such file`);
  const handle = await open(path).catch((cause: unknown) => {
    throw unreadable(cause);
  });
  try {
    // One byte more than it had tells that it has grown since.
    const bytes = new Uint8Array(found.size + 1);
    let length = 0;
    for (;;) {
      const { bytesRead } = await handle.read(bytes, length, bytes.length - length, length);
      length += bytesRead;
      if (bytesRead === 0) return bytes.subarray(0, length);
      if (length > found.size) throw new FormatError(`${path} grew while it was being read`);
    }
  } catch (error) {
    throw error instanceof FormatError ? error : unreadable(error);
  } finally {
    await handle.close();
  }
}

/** The text of a file, undefined where there is none. */
export async function readSmallText(path: string): Promise<string | undefined> {
  const bytes = await readSmallFile(path, { maxBytes: maxTextBytes });
  return bytes && decodeUtf8(bytes, path);
}

/** The JSON value in a file; one that is not there is a FormatError too. */
export async function readJsonFile(path: string): Promise<JsonValue> {
  const bytes = await readSmallFile(path, { maxBytes: maxJsonBytes });
  if (!bytes) throw new FormatError(`${path} does not exist`);
  return parseJson(bytes, { what: path, maxBytes: maxJsonBytes });
}
