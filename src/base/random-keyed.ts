/** @file Noise by (seed, step, index) for training: any step can be drawn again without the ones before. */
import { hostArray, sizeOf, type HostArray } from "./array.ts";
import { below, philox4x32, philoxKey, shuffled } from "./random-philox.ts";
import type { Random } from "./random.ts";

/** A stream of its own for each (seed, step, index): Philox blocks at counters (n, tag, step, index). */
export function keyedRandom(seed: number | bigint, step: number, index: number): Random {
  return new KeyedRandom(philoxKey(seed), step, index);
}

/** "limn" in ASCII: keeps these streams apart from `PhiloxRandom`, whose second counter word is 0. */
const tag = 0x6c696d6e;

class KeyedRandom implements Random {
  private readonly key: readonly [number, number];
  private readonly step: number;
  private readonly index: number;
  private readonly block = new Uint32Array(4);
  private blocks = 0;
  private at = 4;

  constructor(key: readonly [number, number], step: number, index: number) {
    this.key = key;
    this.step = step >>> 0;
    this.index = index >>> 0;
  }

  /** Pairs of Box and Muller 1958: both halves are used, a trailing one is dropped. */
  normal(shape: readonly number[]): HostArray {
    const data = new Float32Array(sizeOf(shape));
    for (let i = 0; i < data.length; i += 2) {
      const radius = Math.sqrt(-2 * Math.log((this.word() + 0.5) * 2 ** -32));
      const angle = this.word() * 2 ** -32 * 2 * Math.PI;
      data[i] = radius * Math.cos(angle);
      if (i + 1 < data.length) data[i + 1] = radius * Math.sin(angle);
    }
    return hostArray(data, shape);
  }

  uniform(shape: readonly number[]): HostArray {
    const draw = () => (this.word() >>> 8) * 2 ** -24; // so that f32 never rounds up to 1
    return hostArray(Float32Array.from({ length: sizeOf(shape) }, draw), shape);
  }

  integers(low: number, high: number, count: number): number[] {
    return Array.from({ length: count }, () => low + below(high - low, this.word(), this.word()));
  }

  permutation(n: number): number[] {
    return shuffled(n, (i) => i + below(n - i, this.word(), this.word()));
  }

  private word(): number {
    if (this.at === 4) {
      philox4x32([this.blocks, tag, this.step, this.index], this.key, this.block);
      this.blocks += 1;
      this.at = 0;
    }
    this.at += 1;
    return this.block[this.at - 1];
  }
}
