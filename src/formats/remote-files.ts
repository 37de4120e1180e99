/** @file Files behind URLs: text whole, the headers of weights by range, weights through a store. */
import { EngineError, FormatError, RequestError } from "../base/index.ts";
import { expectWhole, type FileKey, type FileStore } from "./file-store.ts";
import { decodeUtf8 } from "./json.ts";
import { joinShards, readIndex, type SafetensorsIndex } from "./safetensors-index.ts";
import { readShardList } from "./safetensors.ts";

/** How far a file has come. */
export interface Download {
  readonly url: string;
  readonly loaded: number;
  readonly total: number;
}

/** As much of `fetch` as is used. */
export type Fetch = (
  url: string,
  init: {
    readonly method?: "HEAD";
    readonly headers?: Readonly<Record<string, string>>;
    readonly cache?: "no-store";
  },
) => Promise<Response>;

/** Where files behind URLs are kept, how they are fetched, and who hears of it. */
export interface RemoteOptions {
  readonly store: FileStore;
  /** The platform's `fetch`, or one that adds what a server asks for. */
  readonly fetch?: Fetch;
  /** Hears of weights as they come over the network; what the store has makes no noise. */
  readonly onDownload?: (download: Download) => void;
}

/** The first bytes of a weight file, which mostly hold its header. */
interface Found {
  readonly key: FileKey;
  readonly head: Uint8Array;
}

const headBytes = 2 ** 16;
/** No text beside a model comes near; CLIP's vocabulary takes 1 MB. */
const maxTextBytes = 2 ** 25;

/** Reads files of one or more model folders on servers. A file that is not there is undefined, never an error. */
export class RemoteFiles {
  readonly #options: RemoteOptions;
  readonly #found = new Map<string, Promise<Found | undefined>>();
  readonly #whole = new Map<string, Promise<Blob>>();

  constructor(options: RemoteOptions) {
    this.#options = options;
  }

  async text(url: string): Promise<string | undefined> {
    const response = await this.#fetch(url, {});
    if (isAbsent(response)) return undefined;
    return decodeUtf8(await bodyOf(response, url, maxTextBytes), url);
  }

  /** Whether a weight file is there. */
  async has(url: string): Promise<boolean> {
    return (await this.#find(url)) !== undefined;
  }

  /** Indexes a `.safetensors` file or the list of its shards; of the weights themselves nothing is fetched. */
  async openSafetensors(url: string): Promise<SafetensorsIndex> {
    if (!new URL(url).pathname.endsWith(".json")) return this.#openOne(url);
    const places = readShardList(new TextEncoder().encode((await this.text(url)) ?? ""), url);
    const files = new Map<string, SafetensorsIndex>();
    for (const file of new Set(places.values()))
      files.set(file, await this.#openOne(new URL(file, url).href));
    return joinShards(places, files, url);
  }

  /** Bytes of a weight file; the first call brings the whole file into the store. */
  async read(url: string, offset: number, length: number): Promise<Uint8Array<ArrayBuffer>> {
    const { key } = await this.#required(url);
    const whole = this.#whole.get(url) ?? this.#bring(key);
    this.#whole.set(url, whole);
    whole.catch(() => this.#whole.delete(url)); // the next reader tries again
    const part = (await whole).slice(offset, offset + length);
    if (part.size !== length)
      throw new FormatError(`${url} ends at ${key.size}, but ${offset + length} bytes are needed`);
    return new Uint8Array(await part.arrayBuffer());
  }

  /** What tells this version of a file from others. */
  async version(url: string): Promise<string> {
    const { key } = await this.#required(url);
    return [key.url, key.version, key.size].join(" ");
  }

  async #openOne(url: string): Promise<SafetensorsIndex> {
    const { key, head } = await this.#required(url);
    return readIndex({ file: url, size: key.size, what: url }, async (offset, length) =>
      offset + length <= head.length
        ? head.subarray(offset, offset + length)
        : this.#range(url, offset, length),
    );
  }

  async #required(url: string): Promise<Found> {
    const found = await this.#find(url);
    if (!found) throw new FormatError(`${url} is not there`);
    return found;
  }

  #find(url: string): Promise<Found | undefined> {
    const known = this.#found.get(url) ?? this.#look(url);
    this.#found.set(url, known);
    known.catch(() => this.#found.delete(url));
    return known;
  }

  async #look(url: string): Promise<Found | undefined> {
    const response = await this.#fetch(url, { headers: { range: `bytes=0-${headBytes - 1}` } });
    if (isAbsent(response)) return undefined;
    const version = response.headers.get("etag") ?? response.headers.get("last-modified") ?? "";
    if (response.status === 206) {
      const head = await bodyOf(response, url, headBytes);
      return { key: { url, version, size: await this.#sizeOf(url, response) }, head };
    }
    // A server that knows no ranges sends everything: then it is here already.
    const blob = await response.blob();
    this.#whole.set(url, Promise.resolve(blob));
    const head = new Uint8Array(await blob.slice(0, headBytes).arrayBuffer());
    return { key: { url, version, size: blob.size }, head };
  }

  /** From the answer to a range; another origin may hide that header, but never the length of the whole. */
  async #sizeOf(url: string, response: Response): Promise<number> {
    const told = /\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
    const size = told ?? (await this.#fetch(url, { method: "HEAD" })).headers.get("content-length");
    if (size === null)
      throw new FormatError(`the server of ${url} does not say how long it is`, {
        hint: "it should expose the header Content-Range",
      });
    return Number(size);
  }

  async #range(url: string, offset: number, length: number): Promise<Uint8Array> {
    const range = `bytes=${offset}-${offset + length - 1}`;
    const response = await this.#fetch(url, { headers: { range } });
    const [most, beyond] =
      response.status === 206 ? [length, "refuse" as const] : [offset + length, "cut" as const];
    const part = (await bodyOf(response, url, most, beyond)).subarray(most - length);
    if (part.length !== length)
      throw new FormatError(`${url}: ${length} bytes were asked for, ${part.length} came`);
    return part;
  }

  async #bring(key: FileKey): Promise<Blob> {
    const { store } = this.#options;
    const kept = await store.get(key);
    if (kept) return kept;
    const blob = await store.take(key, () => this.#download(key));
    expectWhole(key, blob.size);
    return blob;
  }

  async #download({ url, version, size: total }: FileKey): Promise<ReadableStream<Uint8Array>> {
    // The store keeps it: the browser's own cache need not.
    const response = await this.#fetch(url, { cache: "no-store" });
    const now = response.headers.get("etag") ?? response.headers.get("last-modified") ?? "";
    if (!response.ok || !response.body || now !== version)
      throw new FormatError(`${url} was changed while it was read`, {
        hint: "load the model again",
      });
    const { onDownload } = this.#options;
    let loaded = 0;
    const counted = new TransformStream<Uint8Array, Uint8Array>({
      start: () => onDownload?.({ url, loaded, total }),
      transform(chunk, controller) {
        loaded += chunk.length;
        onDownload?.({ url, loaded, total });
        controller.enqueue(chunk);
      },
    });
    return response.body.pipeThrough(counted);
  }

  async #fetch(url: string, init: Parameters<Fetch>[1]): Promise<Response> {
    const { fetch: own = fetch } = this.#options;
    const response = await own(url, init).catch((cause: unknown) => {
      throw new EngineError(`${url} cannot be reached`, {
        cause,
        hint: "check the network, and that the server allows this page to read it (CORS)",
      });
    });
    const { status } = response;
    if (response.ok || isAbsent(response)) return response;
    throw new FormatError(
      `the server of ${url} answered ${status}${status === 401 || status === 403 ? ": it wants a permission" : ""}`,
    );
  }
}

/**
 * The bytes of an answer, of which no more than `most` are ever held. What goes beyond is an error, or is left on the
 * server where only the beginning is wanted.
 */
async function bodyOf(
  response: Response,
  url: string,
  most: number,
  beyond: "refuse" | "cut" = "refuse",
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const stream = response.body as ReadableStream<Uint8Array<ArrayBuffer>> | null;
  const reader = stream?.getReader();
  while (reader && length <= most) {
    const { value, done } = await reader.read();
    if (done) break;
    chunks.push(value);
    length += value.length;
  }
  // Nothing more is wanted: whether the server hears of it does not matter.
  if (length > most) reader?.cancel().catch(() => undefined);
  if (length > most && beyond === "refuse")
    throw new FormatError(`${url}: more than ${most} bytes came, the most that is read`);
  return new Uint8Array(await new Blob(chunks).slice(0, most).arrayBuffer());
}

/** Missing; or, as servers of one-page apps answer for what they lack, a page. */
function isAbsent({ status, headers }: Response): boolean {
  return (
    status === 404 || status === 410 || /^text\/html\b/.test(headers.get("content-type") ?? "")
  );
}

/** The URL of a folder, which ends in a slash, from what a caller calls it; relative ones need a `base`. */
export function folderUrl(folder: string, base?: string): string {
  try {
    const url = new URL(folder, base);
    if (!url.pathname.endsWith("/")) url.pathname += "/";
    return url.href;
  } catch {
    throw new RequestError("model", `must be the URL of a model folder, got ${folder}`);
  }
}
