/** @file One end of a MessageChannel as the generator's port. */
import type { MessagePort } from "node:worker_threads";

/** Sends and receives whatever the two sides agree on. */
export function portOf(port: MessagePort) {
  return {
    send: (message: unknown, transfer: readonly ArrayBuffer[] = []) =>
      port.postMessage(message, [...transfer]),
    receive: (listener: (message: never) => void) =>
      port.on("message", (message: unknown) => listener(message as never)),
    close: () => port.close(),
  };
}
