/** @file The generator as others see it: a worker thread that draws while this thread stays free. */
import { Worker } from "node:worker_threads";
import { assert, EngineError, fromSentError } from "../base/index.ts";
import type {
  GenerateRequest,
  GeneratorCommand,
  GeneratorEvent,
  GeneratorMessage,
  Port,
} from "./protocol.ts";

/** How a job ended well: finished, or stopped because it was asked to. */
export type Ending = Extract<GeneratorEvent, { type: "done" | "cancelled" }>;

/** A job's companions. */
export interface GenerateOptions {
  /** Stops the job, even within a step. */
  readonly signal?: AbortSignal;
  readonly onEvent?: (event: GeneratorEvent) => void;
}

interface Waiting {
  readonly onEvent: (event: GeneratorEvent) => void;
  readonly resolve: (ending: Ending) => void;
  readonly reject: (error: Error) => void;
}

/** Draws in another thread. Close it when done: a thread must not be ended by force within a step. */
export class Generator implements AsyncDisposable {
  readonly #port: Port<GeneratorCommand, GeneratorMessage>;
  readonly #ended: Promise<void>;
  readonly #waiting = new Map<number, Waiting>();
  #next = 0;
  #closing = false;
  /** Why no job can be done any more. */
  #failure: EngineError | null = null;

  /** `ended` resolves when the other side is gone, rejects when it broke. */
  constructor(port: Port<GeneratorCommand, GeneratorMessage>, ended: Promise<void>) {
    this.#port = port;
    this.#ended = ended;
    port.receive((message) => {
      if (message.type === "event") this.#take(message.id, message.event);
    });
    ended.then(
      () => this.#fail(new EngineError("the generator has ended")),
      (cause: unknown) =>
        this.#fail(new EngineError(`the generator broke: ${String(cause)}`, { cause })),
    );
  }

  /** Draws; events come in order while the promise is open. Rejects with the job's own error. */
  generate(request: GenerateRequest, { signal, onEvent }: GenerateOptions = {}): Promise<Ending> {
    assert(!this.#closing, "a closed generator was used");
    if (this.#failure) return Promise.reject(this.#failure);
    if (signal?.aborted) return this.#cancelled(onEvent);
    const id = this.#next++;
    const cancel = () => this.#port.send({ type: "cancel", id });
    const ending = new Promise<Ending>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject, onEvent: onEvent ?? (() => undefined) });
    });
    this.#port.send({ type: "generate", id, request });
    signal?.addEventListener("abort", cancel, { once: true });
    return ending.finally(() => signal?.removeEventListener("abort", cancel));
  }

  /** Cancels what runs and ends the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closing && !this.#failure) this.#port.send({ type: "close" });
    this.#closing = true;
    await this.#ended.catch(() => undefined);
  }

  #cancelled(onEvent: GenerateOptions["onEvent"]): Promise<Ending> {
    onEvent?.({ type: "cancelled" });
    return Promise.resolve({ type: "cancelled" });
  }

  #take(id: number, event: GeneratorEvent): void {
    const waiting = this.#waiting.get(id);
    if (!waiting) return;
    if (event.type === "done" || event.type === "cancelled" || event.type === "failed")
      this.#waiting.delete(id);
    waiting.onEvent(event);
    if (event.type === "failed") waiting.reject(fromSentError(event.error));
    if (event.type === "done" || event.type === "cancelled") waiting.resolve(event);
  }

  #fail(error: EngineError): void {
    this.#failure = error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
    this.#port.close();
  }
}

/** Starts the worker thread; it loads while the caller does other things. */
export function startGenerator(): Generator {
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const worker = new Worker(new URL(`./generator-worker.${extension}`, import.meta.url));
  const ended = new Promise<void>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("exit", (code) => {
      if (code === 0) resolve();
      else reject(new Error(`exit code ${code}`));
    });
  });
  return new Generator(
    {
      send: (command) => worker.postMessage(command),
      receive: (listener) => worker.on("message", (message: GeneratorMessage) => listener(message)),
      // It has ended by itself by then: nothing is cut off within a step.
      close: () => void worker.terminate(),
    },
    ended,
  );
}
