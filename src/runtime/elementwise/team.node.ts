/** @file Threads that compute loops together: what waits for memory is done sooner by two than by one. */
import { setImmediate as whenIdle } from "node:timers/promises";
import { assert, EngineError } from "../../base/index.ts";
import { startThread, type Thread } from "../thread.node.ts";
import { mostThreads, type LoopMemory } from "./memory.ts";
import { Hand, type Round, type Stretch, type Sums } from "./stretch.ts";
import type { TeamTask } from "./team-thread.node.ts";

/** Bytes of an array that are computed between two looks at the event loop: a few milliseconds. */
const pause = 2 ** 22;
/** Bytes of the arrays of a round, one of each loop, from which on helpers are asked: asking takes some tenths of a millisecond. */
export const worthHelp = 2 ** 21;

interface Helper {
  readonly worker: Thread;
  /** How many codes it knows. */
  told: number;
}

/** This thread and its helpers, who live as long as somebody holds the team. */
export class Team {
  readonly #memory: LoopMemory;
  readonly #taken = new Int32Array(new SharedArrayBuffer(4));
  #hand: Hand;
  #codes: Uint8Array<ArrayBuffer>[] = [];
  readonly #places = new Map<string, number>();
  #helpers: Helper[] = [];
  #holders = 0;
  #starting: Promise<void> = Promise.resolve();
  /** Rounds follow each other: they count what is taken in one place. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(memory: LoopMemory) {
    this.#memory = memory;
    this.#hand = new Hand(memory.shared, this.#taken, 0);
  }

  /** Whoever computes with it holds it until disposed, which waits for what is under way. */
  hold(): AsyncDisposable {
    this.#holders++;
    let isHeld = true;
    return {
      [Symbol.asyncDispose]: async () => {
        if (!isHeld) return;
        isHeld = false;
        this.#holders--;
        await this.#starting;
        await this.#last;
        if (this.#holders === 0) await this.#end();
      },
    };
  }

  async #end(): Promise<void> {
    const helpers = this.#helpers;
    [this.#helpers, this.#codes] = [[], []];
    this.#places.clear();
    this.#hand = new Hand(this.#memory.shared, this.#taken, 0);
    // None is in the middle of a round.
    await Promise.all(helpers.map(({ worker }) => worker.terminate()));
  }

  /** Starts helpers for so many threads in all; one that cannot start is done without. */
  async start(threads: number): Promise<void> {
    this.#starting = this.#starting.then(async () => {
      const wanted = Math.min(threads, mostThreads) - 1;
      const missing = Array.from({ length: wanted - this.#helpers.length }, (_, i) =>
        this.#startOne(this.#helpers.length + i + 1),
      );
      this.#helpers.push(...(await Promise.all(missing)).flatMap((helper) => helper ?? []));
    });
    await this.#starting;
  }

  async #startOne(thread: number): Promise<Helper | null> {
    const task: TeamTask = { memory: this.#memory.shared, taken: this.#taken, thread };
    try {
      const worker = startThread({ beside: import.meta.url, name: "team-thread.node" }, task);
      worker.on("error", () => undefined); // whoever waits for its answer hears of it
      await answerOf(worker);
      worker.unref();
      worker.on("exit", () => {
        this.#helpers = this.#helpers.filter((helper) => helper.worker !== worker);
      });
      return { worker, told: 0 };
    } catch {
      return null;
    }
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

  /** Computes stretches that are independent of each other, on at most so many threads, and returns the sums of each. */
  async compute(
    stretches: readonly Stretch[],
    how: { threads: number; signal?: AbortSignal },
  ): Promise<readonly (readonly number[])[]> {
    if (stretches.length === 0) return [];
    const round = this.#last.then(() => this.#round(stretches, how));
    this.#last = round.catch(() => undefined);
    return round;
  }

  async #round(
    stretches: readonly Stretch[],
    { threads, signal }: { threads: number; signal?: AbortSignal },
  ): Promise<readonly (readonly number[])[]> {
    signal?.throwIfAborted();
    Atomics.store(this.#taken, 0, 0);
    const bytes = stretches.reduce((sum, stretch) => sum + stretch.bytes, 0);
    const helpers = bytes < worthHelp ? [] : this.#helpers.slice(0, threads - 1);
    const others = helpers.map((helper) => this.#ask(helper, stretches));
    // Whoever fails: when the caller hears of it, nobody writes into the arrays any more.
    const parts = await Promise.allSettled([this.#work(stretches, signal), ...others]);
    signal?.throwIfAborted();
    const sums = new Map<number, readonly number[]>();
    for (const part of parts) {
      if (part.status === "rejected") throw part.reason;
      for (const [place, its] of part.value) sums.set(place, its);
    }
    return stretches.map((_, place) => {
      const its = sums.get(place);
      assert(its, "nobody computed a stretch");
      return its;
    });
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

  async #ask(helper: Helper, stretches: readonly Stretch[]): Promise<Sums[]> {
    const { worker } = helper;
    worker.ref(); // the process lasts as long as somebody waits
    worker.postMessage({ codes: this.#codes.slice(helper.told), stretches } satisfies Round);
    helper.told = this.#codes.length;
    try {
      return (await answerOf(worker)) as Sums[]; // to a round it answers with nothing else
    } finally {
      worker.unref();
    }
  }
}

/** A thread's next message. Rejects with EngineError where it ends instead. */
function answerOf(worker: Thread): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const end = (cause: unknown) => {
      settle();
      const hint = "go on with --threads 1";
      reject(new EngineError("a thread that computes loops ended", { hint, cause }));
    };
    const take = (message: unknown) => {
      settle();
      resolve(message);
    };
    const settle = () => {
      worker.off("message", take);
      worker.off("error", end);
      worker.off("exit", end);
    };
    worker.on("message", take);
    worker.on("error", end);
    worker.on("exit", end);
  });
}
