/** @file Ctrl-C and kill: the first one stops in order, the second one, or no answer to the first, at once. */
import { Interrupted } from "./errors.ts";
import { say } from "./print.ts";

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
type Name = keyof typeof exitCodes;

/** What is said and done between a signal and the end. */
export interface Interruption {
  readonly onInterrupt: () => void;
  /** Seconds that stopping in order may take. */
  readonly patience: () => number;
}

/** Runs something that can be stopped; throws Interrupted if it was, whether it then resolves or rejects for that reason. */
export async function interruptible<T>(
  run: (signal: AbortSignal) => Promise<T>,
  { onInterrupt, patience }: Interruption,
): Promise<T> {
  const controller = new AbortController();
  const received: Name[] = [];
  let timer: NodeJS.Timeout | undefined;
  const handlers = (Object.keys(exitCodes) as Name[]).map((name) => {
    const handler = () => {
      received.push(name);
      if (received.length > 1) return dieOf(name);
      onInterrupt();
      const seconds = patience();
      timer = setTimeout(() => {
        say(`limn: it does not stop within ${seconds} s; killed`);
        dieOf(name);
      }, seconds * 1000);
      controller.abort();
    };
    process.on(name, handler);
    return { name, handler };
  });
  try {
    const result = await run(controller.signal).catch((error: unknown) => {
      if (received.length > 0 && isOfAbort(error, controller.signal))
        throw new Interrupted(exitCodes[received[0]]);
      throw error;
    });
    if (received.length > 0) throw new Interrupted(exitCodes[received[0]]);
    return result;
  } finally {
    clearTimeout(timer);
    for (const { name, handler } of handlers) process.off(name, handler);
  }
}

/** Whether something rejects because it was told to stop, and not because it went wrong meanwhile. */
function isOfAbort(error: unknown, { reason }: AbortSignal): boolean {
  return error === reason || (error instanceof Error && error.name === "AbortError");
}

/** Ends the process as if the signal had never been caught: a worker in the middle of a step forbids exit(). */
function dieOf(name: Name): void {
  process.removeAllListeners(name);
  process.kill(process.pid, name);
}
