/** @file Memory that loops compute in, which threads share: arrays that live in it are computed where they are. */
import { assert } from "../../base/index.ts";
import { mostPages } from "./code.ts";

/** WebAssembly's memory, which threads share. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

// TypeScript knows WebAssembly only as a part of a browser's page.
declare const WebAssembly: {
  readonly Memory: new (size: { initial: number; maximum: number; shared: true }) => SharedMemory;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: { readonly host: { readonly memory: SharedMemory } },
  ) => { readonly exports: { readonly run: RunCode } };
};

/** What a loop's module exports. */
export type RunCode = (bytes: number, sums: number, ...rest: readonly number[]) => void;

/** A module's function, computing in a memory. */
export function instantiate(bytes: Uint8Array<ArrayBuffer>, memory: SharedMemory): RunCode {
  const module = new WebAssembly.Module(bytes);
  return new WebAssembly.Instance(module, { host: { memory } }).exports.run;
}

/** Threads that may compute at once. Two were measured; that more than four only wait for memory is a guess. */
export const mostThreads = 4;
/** Sums that one loop can have. */
export const mostSums = 32;
const roomForSums = mostSums * 8;
/** Where a thread's loops leave their sums, in bytes. */
export const sumsOf = (thread: number): number => thread * roomForSums;

const page = 65536;
/** Arrays begin at multiples of a cache line. */
const line = 64;
const lines = (bytes: number) => Math.ceil(bytes / line) * line;

/** Numbers of an array from outside that are brought in at a time: few enough to stay in a core's cache. */
export const piece = 8192;
/** Arrays that one loop can have: each might be from outside. */
export const mostArrays = 32;
const firstPiece = sumsOf(mostThreads);
const firstArray = firstPiece + mostArrays * piece * 4;

/** Room for sums, pieces of arrays from outside, then arrays of its own. */
export class LoopMemory {
  readonly shared: SharedMemory;
  readonly #own = new WeakSet<Float32Array>();
  #free = firstArray;

  private constructor(bytes: number) {
    const pages = Math.ceil(bytes / page);
    this.shared = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  }

  /** Memory with room for arrays of so many numbers; null where there is not so much: at most 4 GiB. */
  static of(lengths: readonly number[]): LoopMemory | null {
    const bytes = lengths.reduce((sum, length) => sum + lines(length * 4), firstArray);
    if (bytes > mostPages * page) return null;
    try {
      return new LoopMemory(bytes);
    } catch (error) {
      if (error instanceof RangeError) return null; // the machine has no such room
      throw error;
    }
  }

  get buffer(): SharedArrayBuffer {
    return this.shared.buffer;
  }

  /** An array of its own, of zeros. */
  take(length: number): Float32Array {
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
    return firstPiece + slot * piece * 4;
  }
}
