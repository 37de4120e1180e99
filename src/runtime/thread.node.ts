/** @file Threads that run modules of limn's, wherever limn itself runs from. */
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

/** A module that exports `serve`, by its name without an extension and a module beside which it lies. */
export interface ThreadModule {
  /** The `import.meta.url` of whoever starts it. */
  readonly beside: string;
  readonly name: string;
}

/** A thread as it is used here: without Node.js's own types, which users of limn's need not have. */
export interface Thread {
  postMessage(message: unknown): void;
  on(event: "message", listener: (message: unknown) => void): unknown;
  on(event: "error" | "exit", listener: (cause: unknown) => void): unknown;
  off(event: "message", listener: (message: unknown) => void): unknown;
  off(event: "error" | "exit", listener: (cause: unknown) => void): unknown;
  /** Whether the process waits for it. */
  ref(): void;
  unref(): void;
  terminate(): Promise<number>;
}

/** Starts a thread that calls the module's `serve` with `task`: as TypeScript through jiti in a clone, else as the JavaScript it is. */
export function startThread({ beside, name }: ThreadModule, task: unknown): Thread {
  const [extension] = /\.\w+$/.exec(beside) ?? [""];
  const module = new URL(`./${name}${extension}`, beside).href;
  const jiti = pathToFileURL(createRequire(import.meta.url).resolve("jiti")).href;
  // Imports alone: whether this text is a script or a module depends on how the process was started.
  const code = `import("node:worker_threads")
    .then(async ({ workerData: { jiti, module, task } }) => {
      const load = module.endsWith(".ts")
        ? (await import(jiti)).createJiti(module)
        : { import: (url) => import(url) };
      (await load.import(module)).serve(task);
    });`;
  return new Worker(code, { eval: true, workerData: { jiti, module, task } });
}
