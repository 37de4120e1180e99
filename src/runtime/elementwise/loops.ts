/** @file Runs the loops of a plan over arrays, those of the loops' memory in place and others piece by piece. */
import { assert } from "../../base/index.ts";
import type { Tensor } from "../../tensor/index.ts";
import { loopModule } from "./loop-code.ts";
import { piece, type LoopMemory, type RunCode } from "./memory.ts";
import type { Loop } from "./plan.ts";

/** What loops read and write: arrays by tensor, and single numbers, which the sums join. */
export interface Numbers {
  readonly read: ReadonlyMap<Tensor, Float32Array>;
  readonly write: ReadonlyMap<Tensor, Float32Array>;
  readonly scalars: Map<Tensor, number>;
}

/** A loop ready to run; it yields how many elements it has computed since it last did. */
export type RunLoop = (numbers: Numbers) => Generator<number, void>;

/** Elements computed without a pause, a millisecond or two. */
const stretch = 2 ** 18;

/** Compiles loops; those that differ in their sizes alone share their code. */
export function loopCompiler(memory: LoopMemory): (loop: Loop) => RunLoop {
  const made = new Map<string, RunCode>();
  return (loop) => {
    const bytes = loopModule(loop);
    const key = bytes.join();
    const run = made.get(key) ?? memory.instantiate(bytes);
    made.set(key, run);
    return (numbers) => runLoop(loop, { run, memory }, numbers);
  };
}

/** The tensor's numbers; a plan computes them before they are asked for. */
function found<T>(from: ReadonlyMap<Tensor, T>, tensor: Tensor): T {
  const it = from.get(tensor);
  assert(it !== undefined, "a loop came before what it needs");
  return it;
}

function* runLoop(
  loop: Loop,
  { run, memory }: { run: RunCode; memory: LoopMemory },
  { read, write, scalars }: Numbers,
): Generator<number, void> {
  const reads = loop.arrays.map((tensor) => found(read, tensor));
  const writes = loop.written.map((tensor) => found(write, tensor));
  const arrays = [...reads, ...writes];
  const told = loop.scalars.map((tensor) => found(scalars, tensor));
  const { buffer } = memory;
  const pieceOf = (slot: number, length: number) =>
    new Float32Array(buffer, memory.pieceAt(slot), length);
  const isInside = arrays.map((array) => memory.owns(array));
  const sums = new Float64Array(buffer, 0, loop.sums.length);
  const totals = loop.sums.map(() => 0);
  const step = isInside.every(Boolean) ? stretch : piece;
  for (let from = 0; from < loop.size; from += step) {
    const length = Math.min(step, loop.size - from);
    const addresses = arrays.map((array, slot) => {
      if (isInside[slot]) return array.byteOffset + from * 4;
      if (slot < reads.length) pieceOf(slot, length).set(array.subarray(from, from + length));
      return memory.pieceAt(slot);
    });
    run(length * 4, ...addresses, ...told);
    writes.forEach((array, i) => {
      const slot = reads.length + i;
      if (!isInside[slot]) array.set(pieceOf(slot, length), from);
    });
    totals.forEach((total, i) => (totals[i] = total + sums[i]));
    yield length;
  }
  loop.sums.forEach(({ sum }, i) => scalars.set(sum, Math.fround(totals[i])));
}
