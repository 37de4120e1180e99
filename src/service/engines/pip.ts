/** @file Downloading a wheel with pip, by pip's own settings: indexes, mirrors, proxies and certificates. */
import { spawn } from "node:child_process";
import { mkdir, readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { EngineError } from "../../base/index.ts";

/** How Python is called on this system. */
const names = process.platform === "win32" ? ["py", "python"] : ["python3", "python"];
/** A Python for which there are wheels, where the one that runs pip is too new or too old for any. */
const otherPython = ["--python-version", "3.12", "--implementation", "cp"];

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

function run(
  [command, ...words]: readonly string[],
  options: { signal?: AbortSignal; env?: NodeJS.ProcessEnv; onLine?: (line: string) => void } = {},
): Promise<Ended> {
  const { onLine, ...rest } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(command, words, { ...rest, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (bytes: Buffer) => {
        const text = bytes.toString();
        output += text;
        for (const line of text.split(/[\r\n]+/)) if (line.trim()) onLine?.(line.trim());
      });
    let failure: Error | null = null;
    child.on("error", (error) => {
      failure = error;
      // What was stopped still writes until it is gone; what never started has no end.
      if (child.pid === undefined) reject(error);
    });
    child.on("close", (code) => {
      if (failure) reject(failure);
      else resolve({ code, output });
    });
  });
}

/** The command that runs pip; null where there is none. */
export async function findPip(): Promise<readonly string[] | null> {
  for (const name of names) {
    const command = [name, "-m", "pip"];
    const ended = await run([...command, "--version"]).catch(() => null);
    if (ended?.code === 0) return command;
  }
  return null;
}

/** What pip is to fetch, and who watches. */
export interface PipDownload {
  /** Such as `openvino==2026.4.1`. */
  readonly requirement: string;
  /** Takes the place of pip's own index. */
  readonly index: URL | null;
  /** An empty folder; pip's temporary files lie below it too. */
  readonly folder: string;
  readonly signal: AbortSignal;
  /** Told how many bytes have come, and of how many; null while pip has not told. */
  readonly onBytes: (done: number, total: number | null) => void;
}

/** Downloads one wheel and returns its path. pip checks it against the hash that its index promises. */
export async function downloadByPip(pip: readonly string[], request: PipDownload): Promise<string> {
  const own = await tryDownload(pip, request, []);
  const ended =
    own.code !== 0 && /No matching distribution/.test(own.output)
      ? await tryDownload(pip, request, otherPython)
      : own;
  request.signal.throwIfAborted();
  const wheel = (await readdir(request.folder)).find((name) => name.endsWith(".whl"));
  if (ended.code === 0 && wheel !== undefined) return join(request.folder, wheel);
  throw new EngineError(`pip could not fetch ${request.requirement}: ${reasonIn(ended.output)}`, {
    hint: "--index URL names another package index",
  });
}

/** What pip says went wrong: its last error, or, where that only announces a trace of calls, how the trace ends. */
function reasonIn(output: string): string {
  const lines = output
    .split("\n")
    .map((line) => line.trim())
    .filter(Boolean);
  const error = lines.findLast((line) => line.startsWith("ERROR: "))?.slice("ERROR: ".length);
  return (error?.endsWith(":") ? lines.at(-1) : error) ?? lines.at(-1) ?? "it said nothing";
}

async function tryDownload(
  pip: readonly string[],
  { requirement, index, folder, signal, onBytes }: PipDownload,
  more: readonly string[],
): Promise<Ended> {
  const temporary = join(folder, "pip");
  await mkdir(temporary, { recursive: true });
  let [done, total]: [number, number | null] = [0, null];
  const watch = setInterval(() => {
    // In the end pip moves the file away: what has come does not become less.
    void largestFile(temporary).then((now) => onBytes((done = Math.max(done, now)), total));
  }, 250);
  const choice = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--dest", folder];
  const places = { TMPDIR: temporary, TEMP: temporary, TMP: temporary };
  // Not among the words of the command, which everybody on the machine can read: an address may hold a password.
  const from = index === null ? {} : { PIP_INDEX_URL: index.href };
  const quiet = ["--disable-pip-version-check", "--no-input"];
  try {
    return await run([...pip, "download", ...quiet, ...choice, ...more, requirement], {
      signal,
      env: { ...process.env, ...places, ...from },
      onLine: (line) => {
        total = sizeIn(line) ?? total;
      },
    });
  } catch (error) {
    signal.throwIfAborted();
    throw error;
  } finally {
    clearInterval(watch);
  }
}

/** Bytes of "Downloading openvino-….whl (59.1 MB)". */
export function sizeIn(line: string): number | null {
  const found = /^Downloading \S+ \(([\d.]+) ([kMG]?)B\)/.exec(line);
  if (!found) return null;
  return Number(found[1]) * { "": 1, k: 1e3, M: 1e6, G: 1e9 }[found[2] as "" | "k" | "M" | "G"];
}

/** pip's progress cannot be read, but the file that it writes. */
async function largestFile(folder: string): Promise<number> {
  const names = await readdir(folder, { recursive: true }).catch(() => []);
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  );
  return Math.max(0, ...sizes);
}
