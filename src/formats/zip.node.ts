/**
 * @file Zip archives, such as Python wheels, read entry by entry; an archive is believed nothing that would harm.
 * Format: PKWARE's APPNOTE 6.3. What is in an archive is listed by the directory at its end alone.
 */
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { open } from "node:fs/promises";
import type { Entry, ZipFile } from "yauzl";
import { FormatError, quote } from "../base/index.ts";

/** A file in an archive. */
export interface ZipEntry {
  /** Its path in the archive, between slashes: relative, and without `..`. */
  readonly path: string;
  /** Bytes when unpacked. */
  readonly bytes: number;
}

/** An archive that is open. */
export interface ZipArchive extends Disposable {
  /** Its files by path; folders have no entries. */
  readonly entries: ReadonlyMap<string, ZipEntry>;
  /** A file's bytes. Throws FormatError where they would be more than `most`. */
  read(path: string, most: number): Promise<Uint8Array>;
  /** Writes a file's bytes to a place that must be free, telling `onBytes` each piece. */
  unpack(path: string, to: string, options?: UnpackOptions): Promise<void>;
}

/** Who watches and who may stop unpacking. */
export interface UnpackOptions {
  readonly onBytes?: (bytes: Uint8Array) => void;
  readonly signal?: AbortSignal;
}

/** Far more than any archive that limn reads has; each costs memory before it is looked at. */
const mostEntries = 100_000;
const linkMode = 0o120000;

/** Opens an archive and reads its directory. Throws FormatError for what is no sound zip file. */
export async function openZip(file: string): Promise<ZipArchive> {
  const zip = await opened(file);
  try {
    const entries = await directory(zip, file);
    return archiveOf(zip, entries, file);
  } catch (error) {
    zip.close();
    throw error;
  }
}

async function opened(file: string): Promise<ZipFile> {
  // Loaded here: drawing has no use for it.
  const { openPromise } = await import("yauzl");
  const options = { lazyEntries: true, autoClose: false, validateEntrySizes: true } as const;
  return openPromise(file, options).catch((cause: unknown) => {
    throw broken(file, cause);
  });
}

function broken(file: string, cause: unknown): unknown {
  // Errors of the system speak for themselves.
  if (!(cause instanceof Error) || "syscall" in cause) return cause;
  return new FormatError(`${file} is not a sound zip file: ${cause.message}`, { cause });
}

async function directory(zip: ZipFile, file: string): Promise<Map<string, Entry>> {
  if (zip.entryCount > mostEntries)
    throw new FormatError(`${file} has ${zip.entryCount} entries, more than ${mostEntries}`);
  const entries = new Map<string, Entry>();
  try {
    for await (const entry of zip.eachEntry()) {
      const path = entry.fileName;
      if (path.endsWith("/")) continue;
      if (entries.has(path)) throw new FormatError(`${file} has two entries ${quote(path)}`);
      entries.set(path, entry);
    }
  } catch (error) {
    throw error instanceof FormatError ? error : broken(file, error);
  }
  return entries;
}

function archiveOf(zip: ZipFile, entries: ReadonlyMap<string, Entry>, file: string): ZipArchive {
  const entryAt = (path: string): Entry => {
    const entry = entries.get(path);
    if (!entry) throw new FormatError(`${file} has no ${quote(path)}`);
    const reason = refusal(entry);
    if (reason !== null) throw new FormatError(`${quote(path)} in ${file} ${reason}`);
    return entry;
  };
  const streamOf = (entry: Entry): Promise<Readable> =>
    zip.openReadStreamPromise(entry).catch((cause: unknown) => {
      throw broken(file, cause);
    });
  return {
    entries: new Map(
      [...entries].map(([path, { uncompressedSize: bytes }]) => [path, { path, bytes }]),
    ),
    async read(path, most) {
      const entry = entryAt(path);
      if (entry.uncompressedSize > most)
        throw new FormatError(
          `${quote(path)} in ${file} has ${entry.uncompressedSize} bytes, more than ${most}`,
        );
      const pieces: Uint8Array[] = [];
      try {
        for await (const piece of await streamOf(entry)) pieces.push(piece as Uint8Array);
      } catch (error) {
        throw broken(file, error);
      }
      return Buffer.concat(pieces);
    },
    async unpack(path, to, { onBytes, signal } = {}) {
      const entry = entryAt(path);
      const target = (await open(to, "wx")).createWriteStream({ flush: true });
      const watch = new Transform({
        transform(piece: Uint8Array, _, done) {
          onBytes?.(piece);
          done(null, piece);
        },
      });
      const options = signal === undefined ? {} : { signal };
      try {
        // Opened last: a stream that fails before anybody listens would end the process.
        await pipeline(await streamOf(entry), watch, target, options);
      } catch (error) {
        target.destroy();
        signal?.throwIfAborted();
        throw broken(file, error);
      }
    },
    [Symbol.dispose]: () => zip.close(),
  };
}

/** Why an entry is not unpacked; null where nothing speaks against it. */
function refusal(entry: Entry): string | null {
  // The upper half is the mode of Unix, whichever system claims to have made the entry.
  const mode = (entry.externalFileAttributes >>> 16) & 0o170000;
  if (mode === linkMode) return "is a symbolic link";
  if (mode !== 0 && mode !== 0o100000) return "is no ordinary file";
  if (entry.isEncrypted()) return "is encrypted";
  if (entry.compressionMethod !== 0 && entry.compressionMethod !== 8)
    return `is compressed by a method (${entry.compressionMethod}) that limn does not know`;
  return null;
}
