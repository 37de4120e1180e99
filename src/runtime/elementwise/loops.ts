/** @file Runs the loops of a plan: over arrays of the loops' memory where they lie, over others piece by piece. */
import { piece, type LoopMemory } from "./memory.ts";
import type { Stretch } from "./stretch.ts";

/** What loops read and write: arrays, and single numbers, which the sums join. */
export interface Numbers {
  readonly read: readonly Float32Array[];
  readonly write: readonly Float32Array[];
  readonly scalars: number[];
}

/** A loop whose operands are places in `Numbers`. */
export interface ReadyLoop {
  /** The place of its code. */
  readonly code: number;
  /** Numbers in each array. */
  readonly size: number;
  readonly reads: readonly number[];
  readonly writes: readonly number[];
  readonly scalars: readonly number[];
  readonly sums: readonly number[];
}

/** Elements that a thread computes without a pause, a millisecond or two. */
const stretch = 2 ** 18;

function operandsOf({ reads, writes, scalars }: ReadyLoop, numbers: Numbers) {
  const arrays = reads.map((place) => numbers.read[place]);
  for (const place of writes) arrays.push(numbers.write[place]);
  return { arrays, scalars: scalars.map((place) => numbers.scalars[place]) };
}

/** A loop over arrays of the memory, in parts that may be computed in any order; null where one of them lies elsewhere. */
export function stretchesOf(
  loop: ReadyLoop,
  memory: LoopMemory,
  numbers: Numbers,
): Stretch[] | null {
  const { arrays, scalars } = operandsOf(loop, numbers);
  if (!arrays.every((array) => memory.owns(array))) return null;
  const { code, size, sums } = loop;
  return Array.from({ length: Math.ceil(size / stretch) }, (_, i) => {
    const from = i * stretch;
    const bytes = Math.min(stretch, size - from) * 4;
    const addresses = arrays.map((array) => array.byteOffset + from * 4);
    return { code, bytes, addresses, scalars, sums: sums.length };
  });
}

/** Computes a loop piece by piece; yields how many elements it has computed since it last did, and returns the sums of each. */
export function* runPiecewise(
  loop: ReadyLoop,
  { memory, run }: { memory: LoopMemory; run: (stretch: Stretch) => number[] },
  numbers: Numbers,
): Generator<number, number[][]> {
  const { arrays, scalars } = operandsOf(loop, numbers);
  const { code, size, reads } = loop;
  const pieceOf = (slot: number, length: number) =>
    new Float32Array(memory.buffer, memory.pieceAt(slot), length);
  const isInside = arrays.map((array) => memory.owns(array));
  const sums: number[][] = [];
  for (let from = 0; from < size; from += piece) {
    const length = Math.min(piece, size - from);
    const addresses = arrays.map((array, slot) => {
      if (isInside[slot]) return array.byteOffset + from * 4;
      if (slot < reads.length) pieceOf(slot, length).set(array.subarray(from, from + length));
      return memory.pieceAt(slot);
    });
    sums.push(run({ code, bytes: length * 4, addresses, scalars, sums: loop.sums.length }));
    arrays.forEach((array, slot) => {
      if (slot >= reads.length && !isInside[slot]) array.set(pieceOf(slot, length), from);
    });
    yield length;
  }
  return sums;
}

/** Adds up the sums of a loop's parts, in their order. */
export function keepSums(
  { sums }: ReadyLoop,
  parts: readonly (readonly number[])[],
  { scalars }: Numbers,
): void {
  sums.forEach((place, i) => {
    scalars[place] = Math.fround(parts.reduce((total, part) => total + part[i], 0));
  });
}
