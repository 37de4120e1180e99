/** @file A contestant's process: it answers lines of JSON, and Linux tells what memory it takes. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { mostResident, processMemory } from "../../src/service/process-memory.ts";

/** Thrown where a contestant lacks something on this machine. */
export class Absent extends Error {}

export interface ContestantProcess extends AsyncDisposable {
  /** The first line: what it says of itself. */
  readonly ready: Readonly<Record<string, unknown>>;
  ask(request: object): Promise<Readonly<Record<string, number>>>;
  memory(): Memory;
}

/** Megabytes: pages that are no files' (now), and the most that was ever resident, files' pages included. */
export interface Memory {
  readonly own: number;
  readonly mostResident: number;
}

/** Reads `/proc`; nothing is guessed where there is none. */
export function memoryOf(pid: number | undefined): Memory {
  const megabytes = (bytes: number | null | undefined) => (bytes ?? NaN) / 2 ** 20;
  return {
    own: megabytes(processMemory(pid)?.own),
    mostResident: megabytes(mostResident(pid)),
  };
}

/** The last words of a process that broke. */
function lastOf(text: string): string {
  const lines = text.split("\n").filter((line) => line.trim() !== "");
  const telling = lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1);
  return telling?.trim().slice(0, 300) ?? "it said nothing";
}

/** Starts a program and waits for its first line. Rejects with Absent where it says that it cannot take part. */
export async function startContestant(
  [program, ...words]: readonly [string, ...string[]],
  environment: Readonly<Record<string, string>> = {},
): Promise<ContestantProcess> {
  const child = spawn(program, words, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...environment },
  });
  let complaints = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaints = (complaints + text).slice(-20_000);
  });
  child.stdin.on("error", () => undefined); // its end is seen where its answers are read
  const gone = once(child, "close");
  gone.catch(() => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async <T>(): Promise<T> => {
    for (;;) {
      const line: IteratorResult<string, unknown> = await lines.next();
      if (line.done) {
        const [, signal] = (await gone) as [number | null, string | null];
        throw new Error(signal === null ? lastOf(complaints) : `killed by ${signal}`);
      }
      // Libraries print what they like; ours are the lines that begin as JSON objects do.
      if (line.value.startsWith("{")) return JSON.parse(line.value) as T;
    }
  };
  const stop = async () => {
    child.stdin.end();
    await gone;
  };
  const ready = await answer<Record<string, unknown>>();
  if (typeof ready.absent === "string") {
    await stop();
    throw new Absent(ready.absent);
  }
  return {
    ready,
    ask(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      return answer();
    },
    memory: () => memoryOf(child.pid),
    [Symbol.asyncDispose]: stop,
  };
}
