/** @file The live programs of a model: least recently used first out, bounded in bytes, closed by one owner. */
import { assert } from "../../base/index.ts";
import type { Program } from "../../runtime/index.ts";

/** A program to be, known by a key that tells all that decides its answers. */
export interface ProgramSource {
  readonly key: string;
  /** What it holds while it lives, by estimate. */
  readonly bytes: number;
  readonly compile: () => Promise<Program>;
}

/** A program that stays alive until it is given back. */
export interface Lease extends AsyncDisposable {
  readonly program: Program;
  /** Whether it was made for this lease, and so has taken no memory for its results yet. */
  readonly fresh: boolean;
}

interface Entry {
  readonly program: Promise<Program>;
  readonly bytes: number;
  users: number;
}

/** Keeps programs alive between uses while they fit into `limit` bytes together. */
export class ProgramCache implements AsyncDisposable {
  readonly #limit: number;
  /** In order of last use. */
  readonly #entries = new Map<string, Entry>();
  #closed = false;
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Bytes of all living programs. */
  get bytes(): number {
    return [...this.#entries.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  has(key: string): boolean {
    return this.#entries.has(key);
  }

  /** The living program of this key, or a new one, for which idle ones make room. */
  async borrow({ key, bytes, compile }: ProgramSource): Promise<Lease> {
    assert(!this.#closed, "a closed model was used");
    let entry = this.#entries.get(key);
    const fresh = !entry;
    if (!entry) {
      await this.#makeRoom(bytes);
      // Room is made asynchronously: another borrower may have come first.
      entry = this.#entries.get(key) ?? { program: compile(), bytes, users: 0 };
    }
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    const mine = entry;
    mine.users += 1;
    try {
      return this.#lease(await mine.program, { entry: mine, fresh });
    } catch (error) {
      this.#entries.delete(key);
      throw error;
    }
  }

  /** Disposes of every idle program. */
  async clear(): Promise<void> {
    await this.#evict(() => true);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    await this.clear();
  }

  #lease(program: Program, { entry, fresh }: { entry: Entry; fresh: boolean }): Lease {
    let open = true;
    return {
      program,
      fresh,
      [Symbol.asyncDispose]: async () => {
        if (open) entry.users -= 1;
        open = false;
        if (this.#closed) await this.clear();
      },
    };
  }

  async #makeRoom(bytes: number): Promise<void> {
    await this.#evict(() => this.bytes + bytes > this.#limit);
  }

  async #evict(needed: () => boolean): Promise<void> {
    for (const [key, { users, program }] of this.#entries) {
      if (!needed()) return;
      if (users > 0) continue;
      this.#entries.delete(key);
      await (await program)[Symbol.asyncDispose]();
    }
  }
}
