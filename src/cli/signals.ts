/** @file Ctrl-C and kill: the first one stops in order, the second one at once. */
import { Interrupted } from "./errors.ts";

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;
type Name = keyof typeof exitCodes;

/** Runs something that can be stopped; throws Interrupted if it was. */
export async function interruptible<T>(
  run: (signal: AbortSignal) => Promise<T>,
  onInterrupt: () => void,
): Promise<T> {
  const controller = new AbortController();
  const received: Name[] = [];
  const handlers = (Object.keys(exitCodes) as Name[]).map((name) => {
    const handler = () => {
      received.push(name);
      if (received.length > 1) return dieOf(name);
      onInterrupt();
      controller.abort();
    };
    process.on(name, handler);
    return { name, handler };
  });
  try {
    const result = await run(controller.signal);
    if (received.length > 0) throw new Interrupted(exitCodes[received[0]]);
    return result;
  } finally {
    for (const { name, handler } of handlers) process.off(name, handler);
  }
}

/** Ends the process as if the signal had never been caught: a worker in the middle of a step forbids exit(). */
function dieOf(name: Name): void {
  process.removeAllListeners(name);
  process.kill(process.pid, name);
}
