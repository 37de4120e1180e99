/** @file The least that a thread computes: one call of a loop's code, all of whose arrays lie in the memory. */
import { instantiate, sumsOf, type RunCode, type SharedMemory } from "./memory.ts";

/** A loop's code, called once. */
export interface Stretch {
  /** Which code, by its place among all that the thread was told. */
  readonly code: number;
  readonly bytes: number;
  readonly addresses: readonly number[];
  readonly scalars: readonly number[];
  /** How many sums it leaves. */
  readonly sums: number;
}

/** Stretches that threads share out among themselves, and codes that the one who is told does not know yet. */
export interface Round {
  readonly codes: readonly Uint8Array<ArrayBuffer>[];
  readonly stretches: readonly Stretch[];
}

/** Sums of one stretch, which is known by its place in the round. */
export type Sums = readonly [place: number, sums: readonly number[]];

/** One thread's part in rounds: it takes the next stretch that nobody has, and again. */
export class Hand {
  readonly #memory: SharedMemory;
  readonly #taken: Int32Array;
  readonly #sumsAt: number;
  readonly #runs: RunCode[] = [];

  /** `taken` counts, for all threads, how many stretches of a round have been taken. */
  constructor(memory: SharedMemory, taken: Int32Array, thread: number) {
    this.#memory = memory;
    this.#taken = taken;
    this.#sumsAt = sumsOf(thread);
  }

  /** Makes codes ready, which follow those that it knows. */
  learn(codes: Round["codes"]): void {
    this.#runs.push(...codes.map((bytes) => instantiate(bytes, this.#memory)));
  }

  /** Computes one stretch and returns its sums. */
  run({ code, bytes, addresses, scalars, sums }: Stretch): number[] {
    this.#runs[code](bytes, this.#sumsAt, ...addresses, ...scalars);
    return [...new Float64Array(this.#memory.buffer, this.#sumsAt, sums)];
  }

  /** Computes what it can take of a round, and yields after every stretch. */
  *work(stretches: readonly Stretch[]): Generator<Stretch, Sums[]> {
    const found: Sums[] = [];
    for (;;) {
      const place = Atomics.add(this.#taken, 0, 1);
      if (place >= stretches.length) return found;
      found.push([place, this.run(stretches[place])]);
      yield stretches[place];
    }
  }
}
