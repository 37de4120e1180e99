/** @file One generator for each image of a batch, so that a batch starts from the noise of its singles. */
import {
  assert,
  hostArray,
  PhiloxRandom,
  sizeOf,
  TorchRandom,
  type HostArray,
  type Random,
} from "../base/index.ts";

/** Names of the generators: torch's CPU mt19937, or Philox as CUDA (and A1111's "NV") draws. */
export type RandomName = "torch" | "philox";

const generators: Readonly<Record<RandomName, (seed: number | bigint) => Random>> = {
  torch: (seed) => new TorchRandom(seed),
  philox: (seed) => new PhiloxRandom(seed),
};

/** All names of generators. */
export const randomNames = Object.keys(generators) as readonly RandomName[];

/** Draws row i of every array from the generator of image i. */
export class PerImageRandom implements Random {
  readonly #images: readonly Random[];
  constructor(name: RandomName, seeds: readonly number[]) {
    this.#images = seeds.map((seed) => generators[name](seed));
  }

  normal(shape: readonly number[]): HostArray {
    return this.#rows(shape, (random, row) => random.normal(row));
  }

  uniform(shape: readonly number[]): HostArray {
    return this.#rows(shape, (random, row) => random.uniform(row));
  }

  integers(low: number, high: number, count: number): number[] {
    return this.#only("integers").integers(low, high, count);
  }

  permutation(n: number): number[] {
    return this.#only("permutation").permutation(n);
  }

  #rows(shape: readonly number[], draw: (random: Random, row: readonly number[]) => HostArray) {
    const [rows, ...rest] = shape;
    assert(rows === this.#images.length, `${rows} rows for ${this.#images.length} images`);
    const data = new Float32Array(sizeOf(shape));
    const width = sizeOf(rest);
    this.#images.forEach((random, i) => data.set(draw(random, [1, ...rest]).data, i * width));
    return hostArray(data, shape);
  }

  /** Numbers without rows belong to no image unless there is one only. */
  #only(what: string): Random {
    assert(this.#images.length === 1, `${what} for ${this.#images.length} images`);
    return this.#images[0];
  }
}
