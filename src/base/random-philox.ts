/** @file Philox4x32-10, the counter-based generator of Salmon et al. 2011, as CUDA's `torch.randn` uses it. */
import { hostArray, sizeOf, type HostArray } from "./array.ts";
import { assert } from "./errors.ts";
import type { Random } from "./random.ts";

/** Writes the four words of one block to `out`: ten rounds over a 128-bit counter with a 64-bit key. */
export function philox4x32(
  counter: readonly [number, number, number, number],
  key: readonly [number, number],
  out: Uint32Array,
): void {
  let [c0, c1, c2, c3] = counter;
  let [k0, k1] = key;
  // Plain assignments: destructuring would allocate in the innermost loop.
  for (let round = 0; round < 10; round += 1) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const high2 = multiplyHigh(0xcd9e8d57, c2);
    const low0 = Math.imul(0xd2511f53, c0);
    c0 = (high2 ^ c1 ^ k0) >>> 0;
    c1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    c2 = (high0 ^ c3 ^ k1) >>> 0;
    c3 = low0 >>> 0;
    k0 = (k0 + 0x9e3779b9) >>> 0;
    k1 = (k1 + 0xbb67ae85) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** A seed's low and high 32 bits. */
export function philoxKey(seed: number | bigint): [number, number] {
  const bits = BigInt.asUintN(64, BigInt(seed));
  return [Number(bits & 0xffffffffn), Number(bits >> 32n)];
}

/** u = (word0 + ½)·2⁻³², v = (word1 + ½)·2π·2⁻³² (its factor in f32, as in CUDA): √(-2 ln u)·sin v. */
export function philoxNormal(word0: number, word1: number): number {
  const u = (word0 + 0.5) * 2 ** -32;
  const v = (word1 + 0.5) * angleScale;
  return Math.sqrt(-2 * Math.log(u)) * Math.sin(v);
}
const angleScale = Math.fround(2 * Math.PI * 2 ** -32);

/** The "NV" source of A1111: CUDA's normals for tensors smaller than the GPU's grid. Call c takes for
 * its element i the block at counter (c, 0, i, 0), so a call of any size is one step of the stream. */
export class PhiloxRandom implements Random {
  private readonly key: readonly [number, number];
  private readonly block = new Uint32Array(4);
  private calls = 0;

  constructor(seed: number | bigint) {
    this.key = philoxKey(seed);
  }

  normal(shape: readonly number[]): HostArray {
    return hostArray(Float32Array.from(this.draw(sizeOf(shape), philoxNormal)), shape);
  }

  uniform(shape: readonly number[]): HostArray {
    const top24 = (word: number) => (word >>> 8) * 2 ** -24; // so that f32 never rounds up to 1
    return hostArray(Float32Array.from(this.draw(sizeOf(shape), top24)), shape);
  }

  integers(low: number, high: number, count: number): number[] {
    return this.draw(count, (word0, word1) => low + below(high - low, word0, word1));
  }

  permutation(n: number): number[] {
    const picks = this.draw(n, (word0, word1, i) => i + below(n - i, word0, word1));
    return shuffled(n, (i) => picks[i]);
  }

  private draw(count: number, make: (word0: number, word1: number, i: number) => number): number[] {
    const call = this.calls;
    this.calls += 1;
    return Array.from({ length: count }, (_, i) => {
      philox4x32([call, 0, i, 0], this.key, this.block);
      return make(this.block[0], this.block[1], i);
    });
  }
}

/** A whole number in [0, range) from 53 random bits; its bias is under range·2⁻⁵³. */
export function below(range: number, word0: number, word1: number): number {
  assert(Number.isSafeInteger(range) && range > 0, `a random integer below ${range}`);
  return Math.floor(((word0 >>> 11) * 2 ** 32 + word1) * 2 ** -53 * range);
}

/** Fisher and Yates: place i is exchanged with place `pick(i)` ≥ i. */
export function shuffled(n: number, pick: (i: number) => number): number[] {
  const order = Array.from({ length: n }, (_, i) => i);
  for (let i = 0; i < n; i += 1) {
    const j = pick(i);
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** High 32 bits of the 64-bit product of two 32-bit numbers, by halves that f64 holds exactly. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle % 0x10000);
  return (aHigh * bHigh + Math.floor(middle / 0x10000) + Math.floor(carry / 0x10000)) >>> 0;
}
