/** @file The processes that draw for `limn bench`: all of them kept open where memory allows, else one after the other. */
import type { DrawingSetting } from "../settings.ts";

/** One picture, or the beginning of one. Seconds. */
export interface Drawn {
  /** Of each call of the network that was made. */
  readonly steps: readonly number[];
  /** Calls that the whole picture takes. */
  readonly calls: number;
  readonly encode: number;
  /** null where it was stopped before. */
  readonly decode: number | null;
  /** From the request to the file's bytes; null where it was stopped before. */
  readonly whole: number | null;
  /** From the start of the process to its first call; null where it ran before. */
  readonly startup: number | null;
  /** The picture's numbers, row by row; null where it was stopped before. */
  readonly pixels: Uint8Array | null;
}

/** How far to draw: with how many steps (null: the model's own), and after how many calls to stop. */
export interface DrawOrder {
  readonly steps: number | null;
  readonly stopAfter: number | null;
}

/** Someone who draws in one setting, in a process of its own. */
export interface Drawer extends AsyncDisposable {
  draw(order: DrawOrder, signal: AbortSignal): Promise<Drawn>;
  /** Bytes that are this process's alone; null where the system does not tell. */
  privateBytes(): number | null;
}

/** Where drawers come from, and how much memory there is for one more. */
export interface DrawerSource {
  readonly open: (setting: DrawingSetting) => Drawer;
  readonly freeBytes: () => Promise<number>;
}

interface Open {
  readonly drawer: Drawer;
  warm: boolean;
}

/** Beside what a process is known to take. */
const spareBytes = 2 ** 29;

/** Opens drawers when they are wanted, and closes others when there is no room for one more. */
export class Drawers implements AsyncDisposable {
  readonly #bench: DrawerSource;
  readonly #open = new Map<DrawingSetting, Open>();
  #largest = 0;
  #everClosed = false;

  constructor(bench: DrawerSource) {
    this.#bench = bench;
  }

  /** Whether every drawer that was opened is open still. */
  get allHeld(): boolean {
    return !this.#everClosed;
  }

  /** The drawer of a setting; `warm` once it drew a whole picture. */
  async get(setting: DrawingSetting): Promise<Readonly<Open>> {
    const found = this.#open.get(setting);
    if (found) return found;
    for (const other of this.#open.keys()) {
      if ((await this.#bench.freeBytes()) >= 1.2 * this.#largest + spareBytes) break;
      this.#everClosed = true;
      await this.close(other);
    }
    const opened = { drawer: this.#bench.open(setting), warm: false };
    this.#open.set(setting, opened);
    return opened;
  }

  drewWhole(setting: DrawingSetting): void {
    const open = this.#open.get(setting);
    if (open) open.warm = true;
  }

  /** Notes that the process of a drawer takes so many bytes by now. */
  learn(bytes: number): void {
    this.#largest = Math.max(this.#largest, bytes);
  }

  async close(setting: DrawingSetting): Promise<void> {
    const open = this.#open.get(setting);
    this.#open.delete(setting);
    await open?.drawer[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#open.keys()].map((setting) => this.close(setting)));
  }
}
