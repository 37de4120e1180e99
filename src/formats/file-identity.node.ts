/** @file Which file a path names, and which version of it. */
import { realpath, stat } from "node:fs/promises";
import { FormatError } from "../base/index.ts";

/** A file as it is now. */
export interface FileIdentity {
  /** The path behind all links. */
  readonly path: string;
  readonly bytes: number;
  /** Its size, time and inode: another text for other contents, without reading them. */
  readonly version: string;
}

/** The identity of a weight file. Throws FormatError where it is gone. */
export async function identityOf(file: string): Promise<FileIdentity> {
  try {
    const path = await realpath(file);
    const { size, mtimeMs, ino, dev } = await stat(path);
    return { path, bytes: size, version: [size, mtimeMs, ino, dev].join("\n") };
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const what = code === "ENOENT" ? "is gone" : `cannot be read (${code})`;
    throw new FormatError(`the weight file ${file} ${what}`, { cause });
  }
}
