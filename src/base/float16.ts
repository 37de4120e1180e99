/** @file The 16-bit float formats, one number at a time: IEEE 754 binary16 and bfloat16. */

const f32 = new Float32Array(1);
const bits = new Uint32Array(f32.buffer);

/** Bits of the f16 nearest to `x` taken as f32, ties to even; 65520 and more become infinite. */
export function f16Bits(x: number): number {
  f32[0] = x;
  return f16OfBits(bits[0]);
}

/** As `f16Bits`, of a number given by the bits of its f32. */
export function f16OfBits(of: number): number {
  const sign = (of >>> 16) & 0x8000;
  const magnitude = of & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00; // NaN
  if (magnitude >= 0x47800000) return sign | 0x7c00; // 2^16 and more
  if (magnitude >= 0x38800000) {
    // Normal: rebias the exponent (127 → 15) and drop 13 bits; a carry moves into the exponent.
    const rounded = magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1);
    return sign | (rounded >>> 13);
  }
  // Subnormal: adding 0.5 leaves x in the low bits in units of 2^-24, rounded as f32 rounds.
  bits[0] = magnitude;
  f32[0] += 0.5;
  return sign | (bits[0] - 0x3f000000);
}

/** The number that the bits of an f16 mean, exactly. */
export function fromF16Bits(half: number): number {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >>> 10) & 31;
  const fraction = half & 0x3ff;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

/** Bits of the bf16 nearest to `x` taken as f32, ties to even. */
export function bf16Bits(x: number): number {
  f32[0] = x;
  return bf16OfBits(bits[0]);
}

/** As `bf16Bits`, of a number given by the bits of its f32. */
export function bf16OfBits(of: number): number {
  if ((of & 0x7fffffff) > 0x7f800000) return ((of >>> 16) & 0x8000) | 0x7fc0; // NaN
  return (of + 0x7fff + ((of >>> 16) & 1)) >>> 16;
}

/** The number that the bits of a bf16 mean, exactly. */
export function fromBf16Bits(half: number): number {
  bits[0] = half << 16;
  return f32[0];
}
