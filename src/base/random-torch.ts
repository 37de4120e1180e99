/** @file PyTorch's CPU generator, number for number: MT19937 (Matsumoto and Nishimura 1998) and what
 * `torch.randn`, `rand`, `randint` and `randperm` make of its words. */
import { hostArray, sizeOf, type HostArray } from "./array.ts";
import { assert } from "./errors.ts";
import { bf16Bits, f16Bits, fromBf16Bits, fromF16Bits } from "./float16.ts";
import type { Random } from "./random.ts";

/** Float types that torch draws in; each takes other bits of the stream. */
export type NoiseType = "f64" | "f32" | "f16" | "bf16";

const rounding: { [K in NoiseType]: (x: number) => number } = {
  f64: (x) => x,
  f32: Math.fround,
  f16: (x) => fromF16Bits(f16Bits(x)),
  bf16: (x) => fromBf16Bits(bf16Bits(x)),
};
/** Random bits in a uniform number: the mantissa and its hidden one. */
const uniformBits: { [K in NoiseType]: number } = { f64: 53, f32: 24, f16: 11, bf16: 8 };

/** `torch.Generator("cpu").manual_seed(seed)`. Only the seed's low 32 bits count. */
export class TorchRandom implements Random {
  private readonly words: Twister;
  /** Second half of a pair made by a small `normal`; large draws pass it by. */
  private kept: number | undefined;

  constructor(seed: number | bigint) {
    this.words = new Twister(Number(BigInt.asUintN(32, BigInt(seed))));
  }

  normal(shape: readonly number[], dtype: NoiseType = "f32"): HostArray {
    return hostArray(Float32Array.from(this.drawNormal(sizeOf(shape), dtype)), shape);
  }

  uniform(shape: readonly number[], dtype: NoiseType = "f32"): HostArray {
    return hostArray(Float32Array.from(this.drawUniform(sizeOf(shape), dtype)), shape);
  }

  /** `torch.randn(count)`: under 16 numbers one pair at a time in f64, else blocks of 16 in the dtype. */
  drawNormal(count: number, dtype: NoiseType): Float64Array {
    const round = rounding[dtype];
    if (count < 16) return Float64Array.from({ length: count }, () => round(this.oneNormal()));
    const out = this.drawUniform(count, dtype);
    for (let i = 0; i + 16 <= count; i += 16) boxMuller16(out, i, round);
    if (count % 16 > 0) {
      // torch throws the last 16 away and draws them anew, whatever part of them was already done.
      out.set(this.drawUniform(16, dtype), count - 16);
      boxMuller16(out, count - 16, round);
    }
    return out;
  }

  /** `torch.rand(count)`. */
  drawUniform(count: number, dtype: NoiseType): Float64Array {
    const out = new Float64Array(count);
    const scale = 2 ** uniformBits[dtype];
    for (let i = 0; i < count; i += 1)
      out[i] = dtype === "f64" ? this.uniform53() : (this.words.next() % scale) / scale;
    return out;
  }

  integers(low: number, high: number, count: number): number[] {
    const range = high - low;
    assert(Number.isSafeInteger(range) && range > 0, `integers from ${low} to ${high}`);
    const draw =
      range < 2 ** 28 ? () => this.words.next() % range : () => Number(this.long() % BigInt(range));
    return Array.from({ length: count }, () => low + draw());
  }

  permutation(n: number): number[] {
    const order = Array.from({ length: n }, (_, i) => i);
    for (let i = 0; i < n - 1; i += 1) {
      const j = i + (this.words.next() % (n - i));
      [order[i], order[j]] = [order[j], order[i]];
    }
    return order;
  }

  /** `torch.empty((), dtype=int64).random_()`: what a shuffling data loader seeds itself with. */
  seed63(): bigint {
    return BigInt.asUintN(63, this.long());
  }

  private oneNormal(): number {
    if (this.kept !== undefined) {
      const value = this.kept;
      this.kept = undefined;
      return value;
    }
    const [u1, u2] = [this.uniform53(), this.uniform53()];
    const radius = Math.sqrt(-2 * Math.log1p(-u2));
    this.kept = radius * Math.sin(2 * Math.PI * u1);
    return radius * Math.cos(2 * Math.PI * u1);
  }

  /** Low 53 bits of two words, high word first, as a fraction. */
  private uniform53(): number {
    const high = this.words.next() % 2 ** 21;
    return (high * 2 ** 32 + this.words.next()) * 2 ** -53;
  }

  private long(): bigint {
    const high = BigInt(this.words.next());
    return (high << 32n) | BigInt(this.words.next());
  }
}

/** Box and Muller on 16 uniforms: entries j and j + 8 make a pair; every operation rounds to the dtype. */
function boxMuller16(x: Float64Array, start: number, round: (x: number) => number): void {
  const turn = 2 * Math.PI;
  for (let j = start; j < start + 8; j += 1) {
    const radius = round(Math.sqrt(round(-2 * round(Math.log(round(1 - x[j]))))));
    const angle = round(turn * x[j + 8]);
    x[j] = round(radius * round(Math.cos(angle)));
    x[j + 8] = round(radius * round(Math.sin(angle)));
  }
}

/** MT19937 seeded by one 32-bit number. */
class Twister {
  private readonly state = new Uint32Array(624);
  private at = 624;

  constructor(seed: number) {
    this.state[0] = seed;
    for (let i = 1; i < 624; i += 1) {
      const last = this.state[i - 1];
      this.state[i] = Math.imul(1812433253, last ^ (last >>> 30)) + i;
    }
  }

  /** The next 32 bits, as a number from 0 to 2³² - 1. */
  next(): number {
    if (this.at === 624) this.refill();
    let y = this.state[this.at];
    this.at += 1;
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  private refill(): void {
    const s = this.state;
    for (let i = 0; i < 624; i += 1) {
      const y = (s[i] & 0x80000000) | (s[(i + 1) % 624] & 0x7fffffff);
      s[i] = s[(i + 397) % 624] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.at = 0;
  }
}
