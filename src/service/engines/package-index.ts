/**
 * @file Files of a Python package index: the simple repository API in JSON (PEP 691, sizes by PEP 700), and a download that is
 * believed by its hash alone.
 */
import { createHash } from "node:crypto";
import { open, type FileHandle } from "node:fs/promises";
import { EngineError } from "../../base/index.ts";
import { isJsonObject, parseJson, type JsonValue } from "../../formats/index.ts";

/** A file that an index offers. */
export interface IndexFile {
  readonly name: string;
  readonly url: URL;
  readonly sha256: string;
  /** Bytes, null where the index does not tell. */
  readonly bytes: number | null;
}

const accept = "application/vnd.pypi.simple.v1+json";
/** A listing of ten years of wheels has some megabytes. */
const mostListing = 2 ** 26;
/** The largest wheel so far has 85 MB. */
const mostBytes = 2 ** 30;
/** Milliseconds without an answer or a byte, after which nobody waits on. */
const patience = 60_000;

const isLoopback = ({ hostname }: URL) => ["localhost", "127.0.0.1", "[::1]"].includes(hostname);

/** An address without the words that open it. */
function shownAddress(url: URL): string {
  const shown = new URL(url);
  [shown.username, shown.password] = ["", ""];
  return shown.href;
}

/** Lists a project's files that are not withdrawn. */
export async function listFiles(
  index: URL,
  project: string,
  signal: AbortSignal,
): Promise<IndexFile[]> {
  const url = new URL(`${project}/`, index.href.endsWith("/") ? index : new URL(`${index.href}/`));
  const response = await get(url, signal, { accept });
  const where = shownAddress(url);
  const type = response.headers.get("content-type") ?? "";
  if (!/json/.test(type))
    throw new EngineError(
      `${where} answers with ${type || "no type"}, not with the JSON of a package index`,
      {
        hint: "give the address of an index that speaks PEP 691, or install pip",
      },
    );
  const listing = parseJson(await whole(response, mostListing), {
    what: where,
    maxBytes: mostListing,
  });
  const files = isJsonObject(listing) ? listing.files : undefined;
  if (!Array.isArray(files)) throw new EngineError(`${where} lists no files`);
  const base = new URL(response.url || url);
  return files.flatMap((file: JsonValue) => fileOf(file, base)).map(opening(url));
}

/** Gives files on the index's own server the words that open it; they are nobody else's business. */
function opening({ origin, username, password }: URL): (file: IndexFile) => IndexFile {
  return (file) => {
    if (file.url.origin !== origin || username === "") return file;
    const opened = new URL(file.url);
    [opened.username, opened.password] = [username, password];
    return { ...file, url: opened };
  };
}

function fileOf(file: JsonValue, base: URL): IndexFile[] {
  if (!isJsonObject(file) || typeof file.filename !== "string" || typeof file.url !== "string")
    return [];
  const withdrawn = file.yanked === true || typeof file.yanked === "string";
  const sha256 = isJsonObject(file.hashes) ? file.hashes.sha256 : undefined;
  if (withdrawn || typeof sha256 !== "string" || !URL.canParse(file.url, base.href)) return [];
  const bytes = typeof file.size === "number" ? file.size : null;
  return [{ name: file.filename, url: new URL(file.url, base), sha256, bytes }];
}

/** Fetches a file to a place that must be free. Throws EngineError where its bytes are not those that were promised. */
export async function download(
  file: IndexFile,
  to: string,
  { signal, onBytes }: { signal: AbortSignal; onBytes: (count: number) => void },
): Promise<void> {
  const response = await get(file.url, signal, {});
  const hash = createHash("sha256");
  let count = 0;
  const most = file.bytes ?? mostBytes;
  const target = await open(to, "wx");
  try {
    for await (const piece of pieces(response)) {
      count += piece.length;
      if (count > most)
        throw new EngineError(`${file.name} is longer than the ${most} bytes that were promised`);
      hash.update(piece);
      await write(target, piece);
      onBytes(piece.length);
    }
  } finally {
    await target.close();
  }
  const came = hash.digest("hex");
  if (came !== file.sha256.toLowerCase())
    throw new EngineError(
      `${file.name} has the hash ${came}, but the index promises ${file.sha256}`,
      {
        hint: "something between here and the index changed it, or cut it short; nothing was installed",
      },
    );
}

async function write(target: FileHandle, piece: Uint8Array): Promise<void> {
  await target.writeFile(piece);
}

async function get(
  url: URL,
  signal: AbortSignal,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  refuseOpen(url);
  const where = shownAddress(url);
  // fetch takes no address with words that open it: they go into a header.
  const opens =
    url.username === ""
      ? {}
      : {
          authorization: `Basic ${btoa(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`)}`,
        };
  // The answer must begin in time; how long its bytes may take is looked at piece by piece.
  const late = new AbortController();
  const silent = new Error(`no answer for ${patience / 1000} s`);
  const timer = setTimeout(() => late.abort(silent), patience);
  const asked = fetch(where, {
    headers: { ...headers, ...opens },
    signal: AbortSignal.any([signal, late.signal]),
  });
  const response = await asked.catch((cause: unknown) => {
    clearTimeout(timer);
    signal.throwIfAborted();
    throw new EngineError(`${where} cannot be reached: ${reasonOf(cause)}`, {
      hint: "check the address and the network; behind a proxy, install pip, which knows about it",
      cause,
    });
  });
  clearTimeout(timer);
  if (response.url !== "") refuseOpen(new URL(response.url));
  if (!response.ok || !response.body)
    throw new EngineError(`${where} answers ${response.status} ${response.statusText}`.trim());
  return response;
}

/** What is fetched becomes part of this process: only a line that nobody can change, or this machine itself. */
function refuseOpen(url: URL): void {
  if (url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url))) return;
  throw new EngineError(`${shownAddress(url)} is not fetched: only https: is`);
}

/** A body's bytes as they come; gives up when none do. */
async function* pieces(response: Response): AsyncGenerator<Uint8Array> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  try {
    for (;;) {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<never>((_, reject) => {
        const error = new EngineError(
          `no byte came for ${patience / 1000} s from ${new URL(response.url).host}`,
        );
        timer = setTimeout(() => reject(error), patience);
      });
      const read = reader.read().catch((cause: unknown) => {
        throw broken(response, cause);
      });
      const next = await Promise.race([read, late]).finally(() => clearTimeout(timer));
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function broken(response: Response, cause: unknown): unknown {
  if (cause instanceof Error && cause.name === "AbortError") return cause; // by whoever asked
  return new EngineError(`${new URL(response.url).host} broke off: ${reasonOf(cause)}`, { cause });
}

/** fetch says only that it failed, and keeps why beneath. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}

async function whole(response: Response, most: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let count = 0;
  for await (const piece of pieces(response)) {
    count += piece.length;
    if (count > most) throw new EngineError(`${shownAddress(new URL(response.url))} does not end`);
    parts.push(piece);
  }
  return Buffer.concat(parts);
}
