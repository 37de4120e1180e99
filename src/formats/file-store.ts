/** @file Whole files kept between visits of a page, in the browser's own file system (OPFS): bounded, whole or not at all. */
import { FormatError, sha256 } from "../base/index.ts";

/** A file at a URL in one of its versions. */
export interface FileKey {
  readonly url: string;
  /** What the server calls this version: an ETag or a date; "" where it says nothing. */
  readonly version: string;
  readonly size: number;
}

type Bytes = ReadableStream<Uint8Array>;

/** Where fetched files are kept. */
export interface FileStore {
  /** The file, if all of it is here. */
  get(key: FileKey): Promise<Blob | null>;
  /** Takes the file in from a stream, which is asked for a second time where the store itself fails. */
  take(key: FileKey, open: () => Promise<Bytes>): Promise<Blob>;
}

/** Keeps nothing beyond this visit: a browser moves large blobs to its disk by itself. */
export const noStore: FileStore = {
  get: () => Promise.resolve(null),
  take: async (_, open) => new Response(await open()).blob(),
};

/** What is used of a directory of OPFS (`await navigator.storage.getDirectory()`). */
export interface StoreDirectory {
  getFileHandle(name: string, options?: { create?: boolean }): Promise<StoreFile>;
  removeEntry(name: string): Promise<void>;
  values(): AsyncIterable<StoreFile | { readonly kind: "directory" }>;
}
/** What is used of a file there. A writable shows nothing of itself before it is closed. */
export interface StoreFile {
  readonly kind: "file";
  readonly name: string;
  getFile(): Promise<Blob & { readonly lastModified: number }>;
  createWritable(): Promise<WritableStream<Uint8Array>>;
}

/** A store of at most `maxBytes` in a directory of its own; the files that came first leave first. */
export function fileStore(
  directory: StoreDirectory,
  { maxBytes }: { maxBytes: number },
): FileStore {
  return new DirectoryStore(directory, maxBytes);
}

/** Fails where a file did not come in its full length. */
export function expectWhole({ url, size }: FileKey, bytes: number): void {
  if (bytes !== size)
    throw new FormatError(`${url} came with ${bytes} bytes of ${size}`, { hint: "try again" });
}

interface Place {
  readonly file: StoreFile;
  readonly sink: WritableStream<Uint8Array>;
}

class DirectoryStore implements FileStore {
  readonly #directory: StoreDirectory;
  readonly #maxBytes: number;
  readonly #coming = new Map<string, Promise<Blob>>();
  /** Bytes that files on their way will take: until they are whole they seem empty. */
  readonly #reserved = new Map<string, number>();
  #last: Promise<unknown> = Promise.resolve();

  constructor(directory: StoreDirectory, maxBytes: number) {
    this.#directory = directory;
    this.#maxBytes = maxBytes;
  }

  async get(key: FileKey): Promise<Blob | null> {
    const name = nameOf(key);
    if (this.#coming.has(name)) return null;
    try {
      const file = await (await this.#directory.getFileHandle(name)).getFile();
      if (file.size === key.size) return file;
      await this.#directory.removeEntry(name);
    } catch {
      // Not there, or not to be had: it is fetched.
    }
    return null;
  }

  take(key: FileKey, open: () => Promise<Bytes>): Promise<Blob> {
    const name = nameOf(key);
    const known = this.#coming.get(name);
    if (known) return known;
    const file = this.#bring(key, open).finally(() => this.#coming.delete(name));
    this.#coming.set(name, file);
    return file;
  }

  /** What the source throws is thrown; what the store cannot do is done without it. */
  async #bring(key: FileKey, open: () => Promise<Bytes>): Promise<Blob> {
    const name = nameOf(key);
    const place = await this.#inTurn(() => this.#reserve(name, key.size)).catch(() => null);
    let kept: Blob | null = null;
    if (place)
      try {
        const bytes = await pour(open, place.sink);
        if (bytes !== null) {
          expectWhole(key, bytes);
          kept = await place.file.getFile().catch(() => null);
        }
      } finally {
        if (!kept) await this.#directory.removeEntry(name).catch(() => undefined);
        this.#reserved.delete(name);
      }
    return kept ?? noStore.take(key, open);
  }

  /** One after another: nobody counts on room that another is about to take. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#last.then(work);
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #reserve(name: string, bytes: number): Promise<Place | null> {
    if (!(await this.#makeRoom(name, bytes))) return null;
    const file = await this.#directory.getFileHandle(name, { create: true });
    const sink = await file.createWritable();
    this.#reserved.set(name, bytes);
    return { file, sink };
  }

  /** Removes other versions of the file, then the oldest files, until it fits; whether it does. */
  async #makeRoom(name: string, bytes: number): Promise<boolean> {
    const files: { name: string; size: number; time: number }[] = [];
    for await (const entry of this.#directory.values()) {
      if (entry.kind !== "file" || this.#reserved.has(entry.name)) continue;
      const { size, lastModified: time } = await entry.getFile();
      files.push({ name: entry.name, size, time });
    }
    const reserved = [...this.#reserved.values()].reduce((sum, size) => sum + size, 0);
    if (reserved + bytes > this.#maxBytes) return false;
    const [url] = name.split("-");
    let room = this.#maxBytes - reserved - files.reduce((sum, { size }) => sum + size, 0);
    for (const file of files.sort((a, b) => a.time - b.time)) {
      const older = file.name.startsWith(`${url}-`);
      if (room >= bytes && !older) continue;
      // Another worker of the site may be writing it: then it stays.
      const removed = await this.#directory.removeEntry(file.name).then(
        () => true,
        () => false,
      );
      if (removed) room += file.size;
    }
    return room >= bytes;
  }
}

/** URL, then version and size: the same beginning means another version of the same file. */
function nameOf({ url, version, size }: FileKey): string {
  const hash = (text: string) => sha256(new TextEncoder().encode(text)).slice(0, 32);
  return `${hash(url)}-${hash(`${size} ${version}`)}`;
}

/** Bytes that were written; null where that fails. Closing the sink at the end is what puts the file there. */
async function pour(
  open: () => Promise<Bytes>,
  sink: WritableStream<Uint8Array>,
): Promise<number | null> {
  const writer = sink.getWriter();
  try {
    const reader = (await open()).getReader();
    for (let bytes = 0; ;) {
      const { done, value } = await reader.read();
      try {
        if (done) await writer.close();
        else await writer.write(value);
      } catch (error) {
        await reader.cancel(error).catch(() => undefined);
        return null;
      }
      if (done) return bytes;
      bytes += value.length;
    }
  } catch (error) {
    await writer.abort(error).catch(() => undefined);
    throw error;
  }
}
