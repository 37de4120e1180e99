/** @file Entry of a process that draws for `limn bench`: the generator behind a channel to the parent. */
import { assert } from "../../base/index.ts";
import { serveGenerator } from "../generator-loop.ts";
import type { GeneratorCommand } from "../protocol.ts";

assert(process.connected, "the bench's drawing process was started as a program");
// A Ctrl-C reaches every process of the terminal; the parent ends this one in order.
process.on("SIGINT", () => undefined);
process.on("disconnect", () => process.exit());
serveGenerator({
  send: (message) => void process.send?.(message),
  receive: (listener) => process.on("message", (command) => listener(command as GeneratorCommand)),
  close: () => {
    if (process.connected) process.disconnect();
  },
});
