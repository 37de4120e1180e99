/** @file Threads that compute loops together: what memory holds back, two of them get sooner than one. */
import { once } from "node:events";
import { setImmediate as whenIdle } from "node:timers/promises";
import type { Worker } from "node:worker_threads";
import { EngineError } from "../../base/index.ts";
import { startThread } from "../thread.node.ts";
import { mostThreads, type LoopMemory } from "./memory.ts";
import { Hand, type Stretch, type Sums } from "./stretch.ts";
import type { TeamTask } from "./team-thread.node.ts";

/** Bytes of each array computed between two looks at the event loop: a few milliseconds. */
const pause = 2 ** 22;
/** Bytes of each array in a round from which on others are asked for help: asking takes some tenths of a millisecond. */
const worthHelp = 2 ** 21;

interface Helper {
  readonly worker: Worker;
  /** How many codes it knows. */
  told: number;
}

/** This thread and its helpers, which start with the first round that is worth it and end when nobody holds the team. */
export class Team {
  readonly #memory: LoopMemory;
  readonly #taken = new Int32Array(new SharedArrayBuffer(4));
  readonly #hand: Hand;
  readonly #codes: Uint8Array<ArrayBuffer>[] = [];
  readonly #places = new Map<string, number>();
  readonly #helpers: Helper[] = [];
  #broken: Error | null = null;
  #holders = 0;

  constructor(memory: LoopMemory) {
    this.#memory = memory;
    this.#hand = new Hand(memory.shared, this.#taken, 0);
  }

  /** Whoever holds it computes with it until disposed. */
  hold(): AsyncDisposable {
    this.#holders++;
    return {
      [Symbol.asyncDispose]: async () => {
        if (--this.#holders > 0) return;
        await Promise.all(this.#helpers.splice(0).map(({ worker }) => worker.terminate()));
      },
    };
  }

  /** The place of a code, which is kept once. */
  codeOf(bytes: Uint8Array<ArrayBuffer>): number {
    const key = bytes.join();
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    this.#hand.learn([bytes]);
    this.#places.set(key, this.#codes.length);
    return this.#codes.push(bytes) - 1;
  }

  /** Computes a stretch on this thread and returns its sums. */
  run(stretch: Stretch): number[] {
    return this.#hand.run(stretch);
  }

  /** Computes stretches that are independent of each other, on so many threads, and returns the sums of each. */
  async compute(
    stretches: readonly Stretch[],
    { threads, signal }: { threads: number; signal?: AbortSignal },
  ): Promise<readonly (readonly number[])[]> {
    if (this.#broken) throw this.#broken;
    Atomics.store(this.#taken, 0, 0);
    const others = this.#helpersFor(stretches, threads).map((each) => this.#ask(each, stretches));
    const found = (await Promise.all([this.#work(stretches, signal), ...others])).flat();
    signal?.throwIfAborted();
    const sums = new Map(found);
    return stretches.map((_, place) => sums.get(place) ?? []);
  }

  async #work(stretches: readonly Stretch[], signal: AbortSignal | undefined): Promise<Sums[]> {
    const work = this.#hand.work(stretches);
    let done = 0;
    for (let turn = work.next(); ; turn = work.next()) {
      if (turn.done) return turn.value;
      done += turn.value.bytes;
      if (done >= pause) {
        done = 0;
        await whenIdle();
      }
      // For all threads: nothing is left to be taken.
      if (signal?.aborted) Atomics.store(this.#taken, 0, stretches.length);
    }
  }

  #helpersFor(stretches: readonly Stretch[], threads: number): readonly Helper[] {
    const bytes = stretches.reduce((sum, stretch) => sum + stretch.bytes, 0);
    if (bytes < worthHelp) return [];
    const wanted = Math.min(threads, mostThreads) - 1;
    while (this.#helpers.length < wanted) this.#helpers.push(this.#start(this.#helpers.length + 1));
    return this.#helpers.slice(0, wanted);
  }

  #start(thread: number): Helper {
    const task: TeamTask = { memory: this.#memory.shared, taken: this.#taken, thread };
    const worker = startThread({ beside: import.meta.url, name: "team-thread.node" }, task);
    worker.on("error", (cause) => {
      this.#broken = new EngineError("a thread that computes loops ended", { cause });
    });
    worker.unref();
    return { worker, told: 0 };
  }

  async #ask(helper: Helper, stretches: readonly Stretch[]): Promise<Sums[]> {
    const { worker } = helper;
    worker.ref(); // the process lasts as long as somebody waits
    try {
      worker.postMessage({ codes: this.#codes.slice(helper.told), stretches });
      helper.told = this.#codes.length;
      const [sums] = (await once(worker, "message")) as [Sums[]];
      return sums;
    } catch (error) {
      throw this.#broken ?? error;
    } finally {
      worker.unref();
    }
  }
}
