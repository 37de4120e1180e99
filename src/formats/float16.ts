/** @file Stored numbers of any dtype as f32 and back: rounding to nearest even, little-endian bytes. */
import {
  assert,
  bf16OfBits,
  dtypeBytes,
  f16OfBits,
  fromF16Bits,
  RequestError,
  type DType,
} from "../base/index.ts";

let f16Values: Float32Array | undefined;

/** f16 bits as f32, exactly. */
export function f16ToF32(half: Uint16Array): Float32Array<ArrayBuffer> {
  // All 65,536 values once: looking up is several times faster than computing.
  f16Values ??= Float32Array.from({ length: 0x10000 }, (_, bits) => fromF16Bits(bits));
  const out = new Float32Array(half.length);
  for (let i = 0; i < half.length; i += 1) out[i] = f16Values[half[i]];
  return out;
}

/** bf16 bits as f32, exactly: they are its upper half. */
export function bf16ToF32(half: Uint16Array): Float32Array<ArrayBuffer> {
  const out = new Uint32Array(half.length);
  for (let i = 0; i < half.length; i += 1) out[i] = half[i] << 16;
  return new Float32Array(out.buffer);
}

/** f32 rounded to f16 bits. */
export function f32ToF16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = bitsOf(values);
  const out = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i += 1) out[i] = f16OfBits(bits[i]);
  return out;
}

/** f32 rounded to bf16 bits. */
export function f32ToBf16(values: Float32Array): Uint16Array<ArrayBuffer> {
  const bits = bitsOf(values);
  const out = new Uint16Array(bits.length);
  for (let i = 0; i < bits.length; i += 1) out[i] = bf16OfBits(bits[i]);
  return out;
}

function bitsOf({ buffer, byteOffset, length }: Float32Array): Uint32Array {
  return new Uint32Array(buffer, byteOffset, length);
}

type Widen = (buffer: ArrayBuffer) => Float32Array<ArrayBuffer>;

const widenTable: { [K in DType]: Widen } = {
  f64: (b) => Float32Array.from(new Float64Array(b)),
  f32: (b) => new Float32Array(b),
  f16: (b) => f16ToF32(new Uint16Array(b)),
  bf16: (b) => bf16ToF32(new Uint16Array(b)),
  i64: (b) => Float32Array.from(new BigInt64Array(b), Number),
  i32: (b) => Float32Array.from(new Int32Array(b)),
  i16: (b) => Float32Array.from(new Int16Array(b)),
  i8: (b) => Float32Array.from(new Int8Array(b)),
  u8: (b) => Float32Array.from(new Uint8Array(b)),
  bool: (b) => Float32Array.from(new Uint8Array(b), (x) => (x ? 1 : 0)),
};

/** Little-endian bytes of a dtype as f32: f16, bf16 and small integers exactly, wider ones rounded. The
 * result of f32 may share the memory of `bytes`. */
export function bytesToF32(bytes: Uint8Array, dtype: DType): Float32Array<ArrayBuffer> {
  assert(bytes.length % dtypeBytes[dtype] === 0, `${bytes.length} bytes of ${dtype}`);
  const whole = bytes.byteOffset === 0 && bytes.byteLength === bytes.buffer.byteLength;
  // The views above need an aligned buffer of their own.
  const buffer = whole && bytes.buffer instanceof ArrayBuffer ? bytes.buffer : bytes.slice().buffer;
  return widenTable[dtype](buffer);
}

/** f32 as little-endian bytes of a float dtype, rounded to nearest even. */
export function f32ToBytes(values: Float32Array, dtype: DType): Uint8Array<ArrayBuffer> {
  if (dtype === "f32") return bytesOf(Float32Array.from(values));
  if (dtype === "f16") return bytesOf(f32ToF16(values));
  if (dtype === "bf16") return bytesOf(f32ToBf16(values));
  if (dtype === "f64") return bytesOf(Float64Array.from(values));
  throw new RequestError("dtype", `weights are stored as f64, f32, f16 or bf16, got ${dtype}`);
}

function bytesOf(view: {
  buffer: ArrayBuffer;
  byteOffset: number;
  byteLength: number;
}): Uint8Array<ArrayBuffer> {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

/** How many numbers are NaN and how many infinite: what a loader reports about broken weights. */
export function countNotFinite(values: Iterable<number>): { nan: number; infinite: number } {
  let [nan, infinite] = [0, 0];
  for (const value of values) {
    if (Number.isNaN(value)) nan += 1;
    else if (!Number.isFinite(value)) infinite += 1;
  }
  return { nan, infinite };
}
