/** @file Memory that loops compute in: arrays that live in it are computed where they are. */
import { assert } from "../../base/index.ts";
import { roomForSums } from "./loop-code.ts";

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

const page = 65536;
const mostPages = 65536;
/** Arrays begin at multiples of a cache line. */
const line = 64;
const lines = (bytes: number) => Math.ceil(bytes / line) * line;

/** Numbers of an array from outside that are brought in at a time: few enough to stay in a core's cache. */
export const piece = 8192;
/** Arrays from outside that one loop can have. */
const pieces = 32;

/** Bytes that arrays of so many numbers need. */
const needed = (lengths: readonly number[]) =>
  lengths.reduce((sum, length) => sum + lines(length * 4), 0);

/** WebAssembly's memory: room for sums, pieces of arrays from outside, then arrays of its own. */
export class LoopMemory {
  readonly #memory: { readonly buffer: ArrayBuffer };
  #free = roomForSums + pieces * piece * 4;

  private constructor(bytes: number) {
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil(bytes / page) });
  }

  /** Memory with room for arrays of so many numbers; null where that is more than there can be, 4 GiB. */
  static of(lengths: readonly number[]): LoopMemory | null {
    const bytes = roomForSums + pieces * piece * 4 + needed(lengths);
    return bytes > mostPages * page ? null : new LoopMemory(bytes);
  }

  get buffer(): ArrayBuffer {
    return this.#memory.buffer;
  }

  /** An array of its own, of zeros. */
  take(length: number): Float32Array<ArrayBuffer> {
    const from = this.#free;
    this.#free += lines(length * 4);
    assert(this.#free <= this.buffer.byteLength, "more arrays than there was room made for");
    return new Float32Array(this.buffer, from, length);
  }

  /** Where a loop finds its `slot`-th array's piece when the array is from outside, in bytes. */
  pieceAt(slot: number): number {
    assert(slot < pieces, `a loop has more than ${pieces} arrays`);
    return roomForSums + slot * piece * 4;
  }

  /** A module's function, computing in this memory. */
  instantiate(bytes: Uint8Array<ArrayBuffer>): RunCode {
    const module = new WebAssembly.Module(bytes);
    return new WebAssembly.Instance(module, { host: { memory: this.#memory } }).exports.run;
  }
}
