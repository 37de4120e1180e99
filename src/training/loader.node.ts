/** @file Batches made in a thread of their own, a few steps ahead of the engine. */
import { fromSentError, LimnError, type SentError } from "../base/index.ts";
import { startThread, type Thread } from "../runtime/index.ts";
import type { Batch } from "./recipe.ts";

/** What the loading thread is told: which stage of which recipe file, and the run folder. */
export interface LoaderTask {
  readonly recipe: string;
  readonly stage: string;
  readonly folder: string;
}

/** What the loading thread is asked for: a batch by its step and part, or to stop. */
export type LoaderRequest =
  | { readonly kind: "make"; readonly id: number; readonly step: number; readonly part: number }
  | { readonly kind: "close" };

/** What it answers to a batch that was asked for. */
export type LoaderReply =
  | { readonly kind: "batch"; readonly id: number; readonly batch: Batch }
  | { readonly kind: "failed"; readonly id: number; readonly error: SentError };

/** Batches by step and part; holds a thread until disposed. */
export interface Loader extends AsyncDisposable {
  next(step: number, part: number): Promise<Batch>;
}

interface Waiting {
  readonly resolve: (batch: Batch) => void;
  readonly reject: (error: Error) => void;
}

/** Milliseconds that a batch may take to be finished when the thread is told to close. */
const patience = 10_000;

async function close(worker: Thread): Promise<void> {
  const gone = new Promise<void>((resolve) => worker.on("exit", () => resolve()));
  worker.postMessage({ kind: "close" } satisfies LoaderRequest);
  const timer = setTimeout(() => void worker.terminate(), patience);
  await gone;
  clearTimeout(timer);
}

/** Starts the loading thread of a stage; `ahead` batches are made before they are asked for. */
export function openLoader(
  task: LoaderTask,
  { parts, ahead }: { parts: number; ahead: number },
): Loader {
  const worker = startThread({ beside: import.meta.url, name: "loader-thread.node" }, task);
  const waiting = new Map<number, Waiting>();
  const made = new Map<number, Promise<Batch>>();
  let dead: Error | null = null;
  const fail = (error: Error) => {
    dead ??= error;
    for (const { reject } of waiting.values()) reject(dead);
    waiting.clear();
  };
  worker.on("message", (message) => {
    const reply = message as LoaderReply; // it answers with nothing else
    const wait = waiting.get(reply.id);
    waiting.delete(reply.id);
    if (reply.kind === "batch") wait?.resolve(reply.batch);
    else wait?.reject(fromSentError(reply.error));
  });
  worker.on("error", (cause: unknown) => fail(new LimnError("data", messageOf(cause), { cause })));
  worker.on("exit", () => fail(new LimnError("data", "the thread that loads the data stopped")));

  const ask = (id: number): Promise<Batch> => {
    const known = made.get(id);
    if (known) return known;
    const batch = new Promise<Batch>((resolve, reject) => {
      if (dead) reject(dead);
      else waiting.set(id, { resolve, reject });
    });
    // A batch made ahead may fail before anybody waits for it; whoever does wait still sees the error.
    batch.catch(() => undefined);
    made.set(id, batch);
    const [step, part] = [Math.floor(id / parts), id % parts];
    worker.postMessage({ kind: "make", id, step, part } satisfies LoaderRequest);
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
      if (!dead) await close(worker);
    },
  };
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error));
