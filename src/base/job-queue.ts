/** @file A worker's jobs: done one by one in the order of asking, each cancelled alone, all of them at the end. */
import { toSentError, type SentError } from "./sent-error.ts";

/** How a job ends that does not come to its own end. */
export type Stopped =
  { readonly type: "cancelled" } | { readonly type: "failed"; readonly error: SentError };

/** Does jobs in order. */
export class JobQueue {
  readonly #open = new Map<number, AbortController>();
  #last: Promise<void> = Promise.resolve();

  /** Does the work after all that was asked for before it; `stopped` hears what keeps it from its end. */
  add(
    id: number,
    work: (signal: AbortSignal) => Promise<void>,
    stopped: (how: Stopped) => void,
  ): void {
    const controller = new AbortController();
    const { signal } = controller;
    this.#open.set(id, controller);
    this.#last = this.#last.then(async () => {
      try {
        signal.throwIfAborted();
        await work(signal);
      } catch (error) {
        stopped(
          signal.aborted ? { type: "cancelled" } : { type: "failed", error: toSentError(error) },
        );
      }
      this.#open.delete(id);
    });
  }

  /** Stops a job, begun or not; one that has ended is left alone. */
  cancel(id: number): void {
    this.#open.get(id)?.abort();
  }

  /** Cancels every job and resolves when the last has ended. */
  async close(): Promise<void> {
    for (const controller of this.#open.values()) controller.abort();
    await this.#last;
  }
}
