/** @file Whole files kept between visits of a page, in the browser's own file system (OPFS): bounded, whole or not at all. */
import { sha256 } from "../base/index.ts";

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
  /** Takes the file in from a stream, which may be asked for twice. */
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
  return {
    async get(key) {
      try {
        const file = await (await directory.getFileHandle(nameOf(key))).getFile();
        if (file.size === key.size) return file;
        await directory.removeEntry(nameOf(key));
      } catch {
        // Not there, or not to be had: it is fetched.
      }
      return null;
    },
    async take(key, open) {
      if (key.size <= maxBytes) {
        const kept = await keep(directory, key, { maxBytes, open }).catch(() => null);
        if (kept?.size === key.size) return kept;
      }
      return noStore.take(key, open);
    },
  };
}

/** URL, then version and size: the same beginning means another version of the same file. */
function nameOf({ url, version, size }: FileKey): string {
  const hash = (text: string) => sha256(new TextEncoder().encode(text)).slice(0, 32);
  return `${hash(url)}-${hash(`${size} ${version}`)}`;
}

async function keep(
  directory: StoreDirectory,
  key: FileKey,
  { maxBytes, open }: { maxBytes: number; open: () => Promise<Bytes> },
): Promise<Blob> {
  const name = nameOf(key);
  await makeRoom(directory, { name, bytes: key.size, maxBytes });
  const handle = await directory.getFileHandle(name, { create: true });
  try {
    // Closing the writable at the end of the stream is what puts the file there; a failure aborts it.
    await (await open()).pipeTo(await handle.createWritable());
    return await handle.getFile();
  } catch (error) {
    await directory.removeEntry(name).catch(() => undefined);
    throw error;
  }
}

async function makeRoom(
  directory: StoreDirectory,
  { name, bytes, maxBytes }: { name: string; bytes: number; maxBytes: number },
): Promise<void> {
  const files: { name: string; size: number; time: number }[] = [];
  for await (const entry of directory.values()) {
    if (entry.kind !== "file") continue;
    const { size, lastModified: time } = await entry.getFile();
    files.push({ name: entry.name, size, time });
  }
  const [url] = name.split("-");
  let room = maxBytes - files.reduce((sum, { size }) => sum + size, 0);
  for (const file of files.sort((a, b) => a.time - b.time)) {
    const older = file.name.startsWith(`${url}-`);
    if (room >= bytes && !older) continue;
    await directory.removeEntry(file.name);
    room += file.size;
  }
}
