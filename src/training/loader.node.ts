/** @file Batches made in a thread of their own, a few steps ahead of the engine. */
import { createRequire } from "node:module";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { LimnError } from "../base/index.ts";
import type { Batch } from "./recipe.ts";

/** What the loading thread is told: which stage of which recipe file, and the run folder. */
export interface LoaderTask {
  readonly recipe: string;
  readonly stage: string;
  readonly folder: string;
}

export type LoaderReply =
  | { readonly kind: "batch"; readonly id: number; readonly batch: Batch }
  | { readonly kind: "failed"; readonly id: number; readonly message: string };

/** Batches by step and part; holds a thread until disposed. */
export interface Loader extends AsyncDisposable {
  next(step: number, part: number): Promise<Batch>;
}

interface Waiting {
  readonly resolve: (batch: Batch) => void;
  readonly reject: (error: Error) => void;
}

/** The thread's source runs from TypeScript in a clone's tests and from JavaScript when installed. */
function startThread(task: LoaderTask): Worker {
  const self = fileURLToPath(import.meta.url);
  const module = fileURLToPath(new URL(`./loader-thread.node${extname(self)}`, import.meta.url));
  const jiti = createRequire(import.meta.url).resolve("jiti");
  const code = `const { workerData } = require("node:worker_threads");
    const { createJiti } = require(workerData.jiti);
    createJiti(workerData.module).import(workerData.module).then((m) => m.serve(workerData.task));`;
  return new Worker(code, { eval: true, workerData: { jiti, module, task } });
}

/** Starts the loading thread of a stage; `ahead` batches are made before they are asked for. */
export function openLoader(
  task: LoaderTask,
  { parts, ahead }: { parts: number; ahead: number },
): Loader {
  const worker = startThread(task);
  const waiting = new Map<number, Waiting>();
  const made = new Map<number, Promise<Batch>>();
  const failAll = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on("message", (reply: LoaderReply) => {
    const wait = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.kind === "batch") wait?.resolve(reply.batch);
    else wait?.reject(new LimnError("data", reply.message));
  });
  worker.on("error", failAll);
  worker.on("exit", () => failAll(new LimnError("data", "the loading thread stopped")));

  const ask = (id: number): Promise<Batch> => {
    const known = made.get(id);
    if (known) return known;
    const batch = new Promise<Batch>((resolve, reject) => waiting.set(id, { resolve, reject }));
    // A batch made ahead may fail before anybody waits for it; whoever does wait still sees the error.
    batch.catch(() => undefined);
    made.set(id, batch);
    worker.postMessage({ id, step: Math.floor(id / parts), part: id % parts });
    return batch;
  };
  return {
    async next(step, part) {
      const id = step * parts + part;
      const batch = ask(id);
      for (let i = 1; i <= ahead; i++) void ask(id + i);
      made.delete(id);
      return await batch;
    },
    async [Symbol.asyncDispose]() {
      await worker.terminate();
    },
  };
}
