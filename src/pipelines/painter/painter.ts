/** @file Drawing from a page: the model lives in a worker, and the page stays free. */
import { EngineError, fromSentError } from "../../base/index.ts";
import { folderUrl, type Download } from "../../formats/index.ts";
import type { Generation } from "../generation.ts";
import type {
  PainterCommand,
  PainterEnding,
  PainterEvent,
  PainterMessage,
  PainterModel,
  PainterOptions,
  PainterRequest,
} from "./protocol.ts";

/** A dedicated worker whose file calls `servePainter(self)`, or the other end of a channel. */
export interface PainterPort {
  postMessage(message: PainterCommand): void;
  addEventListener(type: "message", listener: (event: { data: unknown }) => void): void;
  addEventListener(type: "error", listener: (event: object) => void): void;
  /** Ends a worker that has failed; a channel has nothing to end. */
  terminate?(): void;
}

/** A model in a worker. */
export interface Painter {
  readonly model: PainterModel;
  /** Why nothing can be drawn any more: the worker has failed, or was closed. */
  readonly failure: Error | null;
  /** Draws and tells how it goes; returning from the generator, or the signal, stops after the current step. */
  draw(
    request: PainterRequest,
    options?: { readonly previews?: number; readonly signal?: AbortSignal },
  ): AsyncGenerator<PainterEvent, Generation, void>;
  /** Gives back the worker's memory and ends it; resolves at once where the worker has failed. */
  close(): Promise<void>;
}

/** Opens a model folder at a URL, which may be relative to the page, in a worker; the worker ends if that fails. */
export async function openPainter(
  worker: PainterPort,
  folder: string,
  { onDownload, ...options }: PainterOptions & { onDownload?: (download: Download) => void } = {},
): Promise<Painter> {
  const { document, location } = globalThis as {
    document?: { baseURI: string };
    location?: { href: string };
  };
  const link = new Link(worker);
  const model = await (async () => {
    const url = folderUrl(folder, document?.baseURI ?? location?.href);
    return link.open({ type: "open", folder: url, options }, onDownload);
  })().catch((error: unknown) => {
    void link.close();
    throw error;
  });
  let drawn = 0;
  return {
    model,
    get failure() {
      return link.failure;
    },
    draw: (request, { previews = 0, signal } = {}) =>
      follow(link, { type: "draw", id: drawn++, request, previews }, signal),
    close: () => link.close(),
  };
}

type Draw = Extract<PainterCommand, { type: "draw" }>;

async function* follow(
  link: Link,
  command: Draw,
  signal: AbortSignal | undefined,
): AsyncGenerator<PainterEvent, Generation, void> {
  signal?.throwIfAborted();
  const { id } = command;
  const cancel = () => link.send({ type: "cancel", id });
  const events = link.listen(id);
  link.send(command);
  signal?.addEventListener("abort", cancel);
  let ended = false;
  try {
    for (;;) {
      const event = await events.next();
      ended = event.type === "done" || event.type === "failed" || event.type === "cancelled";
      if (event.type === "failed") throw fromSentError(event.error);
      if (event.type === "cancelled")
        throw signal?.reason ?? new EngineError("the drawing was stopped");
      if (event.type === "done") return event;
      yield event;
    }
  } finally {
    signal?.removeEventListener("abort", cancel);
    link.forget(id);
    if (!ended) cancel();
  }
}

/** Events in the order of their coming, for one who waits for them one by one. */
class Events {
  readonly #come: (PainterEvent | PainterEnding)[] = [];
  #failure: Error | null = null;
  #wake: (() => void) | null = null;

  push(event: PainterEvent | PainterEnding): void {
    this.#come.push(event);
    this.#wake?.();
  }

  fail(error: Error): void {
    this.#failure = error;
    this.#wake?.();
  }

  async next(): Promise<PainterEvent | PainterEnding> {
    for (;;) {
      const event = this.#come.shift();
      if (event) return event;
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }
}

/** The page's end of the channel: every message to whom it is for. */
class Link {
  readonly #worker: PainterPort;
  readonly #drawings = new Map<number, Events>();
  readonly #closed: Promise<void>;
  /** Why nothing can be drawn any more. */
  failure: EngineError | null = null;
  #onModel: { resolve: (model: PainterModel) => void; reject: (error: Error) => void } | null =
    null;
  #onClosed: () => void = () => undefined;
  #onDownload: (download: Download) => void = () => undefined;

  constructor(worker: PainterPort) {
    this.#worker = worker;
    this.#closed = new Promise<void>((resolve) => (this.#onClosed = resolve));
    worker.addEventListener("message", ({ data }) => this.#hear(data as PainterMessage)); // the worker speaks this only
    worker.addEventListener("error", (event) => this.#die(event));
  }

  send(command: PainterCommand): void {
    this.#worker.postMessage(command);
  }

  open(
    command: PainterCommand,
    onDownload: (download: Download) => void = () => undefined,
  ): Promise<PainterModel> {
    this.#onDownload = onDownload;
    const opened = new Promise<PainterModel>(
      (resolve, reject) => (this.#onModel = { resolve, reject }),
    );
    if (this.failure) this.#onModel?.reject(this.failure);
    this.send(command);
    return opened;
  }

  listen(id: number): Events {
    const events = new Events();
    if (this.failure) events.fail(this.failure);
    this.#drawings.set(id, events);
    return events;
  }

  forget(id: number): void {
    this.#drawings.delete(id);
  }

  close(): Promise<void> {
    if (!this.failure) this.send({ type: "close" });
    this.failure ??= new EngineError("the painter was closed");
    return this.#closed;
  }

  #hear(message: PainterMessage): void {
    switch (message.type) {
      case "download":
        return this.#onDownload(message.download);
      case "opened":
        return this.#onModel?.resolve(message.model);
      case "refused":
        return this.#onModel?.reject(fromSentError(message.error));
      case "event":
        return this.#drawings.get(message.id)?.push(message.event);
      case "closed":
        return this.#onClosed();
    }
  }

  /** A worker that cannot even start, or dies, says so by an event of its own; a broken one would stay otherwise. */
  #die(event: object): void {
    const { message } = event as { message?: unknown };
    const reason = typeof message === "string" && message ? `: ${message}` : "";
    const error = new EngineError(`the worker that draws has failed${reason}`);
    this.failure = error;
    this.#onModel?.reject(error);
    for (const events of this.#drawings.values()) events.fail(error);
    this.#onClosed();
    this.#worker.terminate?.();
  }
}
