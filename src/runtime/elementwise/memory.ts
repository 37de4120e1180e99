/** @file Memory that loops compute in: arrays that live in it are computed where they are. */
import { assert } from "../../base/index.ts";

// TypeScript knows WebAssembly only as a part of a browser's page.
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly host: { readonly memory: object } },
  ) => { readonly exports: { readonly run: RunCode } };
};

/** What a loop's module exports. */
export type RunCode = (bytes: number, ...rest: number[]) => void;

/** Sums that one loop can have: they are left at the memory's beginning, as f64. */
export const mostSums = 32;
const roomForSums = mostSums * 8;

const page = 65536;
const mostPages = 65536;
/** Arrays begin at multiples of a cache line. */
const line = 64;
const lines = (bytes: number) => Math.ceil(bytes / line) * line;

/** Numbers of an array from outside that are brought in at a time: few enough to stay in a core's cache. */
export const piece = 8192;
/** Arrays that one loop can have: each might be from outside. */
export const mostArrays = 32;

/** Bytes that arrays of so many numbers need. */
const needed = (lengths: readonly number[]) =>
  lengths.reduce((sum, length) => sum + lines(length * 4), 0);

/** WebAssembly's memory: room for sums, pieces of arrays from outside, then arrays of its own. */
export class LoopMemory {
  readonly #memory: { readonly buffer: ArrayBuffer };
  readonly #own = new WeakSet<Float32Array>();
  #free = roomForSums + mostArrays * piece * 4;

  private constructor(bytes: number) {
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / page) });
  }

  /** Memory with room for arrays of so many numbers; null where there is not so much: at most 4 GiB. */
  static of(lengths: readonly number[]): LoopMemory | null {
    const bytes = roomForSums + mostArrays * piece * 4 + needed(lengths);
    if (bytes > mostPages * page) return null;
    try {
      return new LoopMemory(bytes);
    } catch (error) {
      if (error instanceof RangeError) return null; // the machine has no such room
      throw error;
    }
  }

  get buffer(): ArrayBuffer {
    return this.#memory.buffer;
  }

  /** An array of its own, of zeros. */
  take(length: number): Float32Array<ArrayBuffer> {
    const from = this.#free;
    this.#free += lines(length * 4);
    assert(this.#free <= this.buffer.byteLength, "more arrays than there was room made for");
    const array = new Float32Array(this.buffer, from, length);
    this.#own.add(array);
    return array;
  }

  /** Whether an array is one that was taken: loops write whole lines, past the end of any other. */
  owns(array: Float32Array): boolean {
    return this.#own.has(array);
  }

  /** Where a loop finds its `slot`-th array's piece when the array is from outside, in bytes. */
  pieceAt(slot: number): number {
    assert(slot < mostArrays, `a loop has more than ${mostArrays} arrays`);
    return roomForSums + slot * piece * 4;
  }

  /** A module's function, computing in this memory. */
  instantiate(bytes: Uint8Array<ArrayBuffer>): RunCode {
    const module = new WebAssembly.Module(bytes);
    return new WebAssembly.Instance(module, { host: { memory: this.#memory } }).exports.run;
  }
}
