/** @file Entry of the worker thread in which the generator lives. */
import { parentPort } from "node:worker_threads";
import { assert } from "../base/index.ts";
import { serveGenerator } from "./generator-loop.ts";
import type { GeneratorCommand } from "./protocol.ts";

const port = parentPort;
assert(port, "the generator's worker was started as a program");
serveGenerator({
  send: (message, transfer = []) => port.postMessage(message, transfer),
  receive: (listener) => port.on("message", (command: GeneratorCommand) => listener(command)),
  close: () => port.close(),
});
