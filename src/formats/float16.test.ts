/** @file 16-bit floats against PyTorch's casts, bit by bit, and against exhaustive round trips. */
import { beforeAll, expect, test } from "vitest";
import { bf16Bits, f16Bits, fromBf16Bits, fromF16Bits } from "../base/index.ts";
import {
  bf16ToF32,
  bytesToF32,
  countNotFinite,
  f16ToF32,
  f32ToBf16,
  f32ToBytes,
  f32ToF16,
} from "./float16.ts";
import type { SafetensorsIndex } from "./safetensors-index.ts";
import { openSafetensors, readTensor } from "./safetensors.node.ts";

let goldens: SafetensorsIndex;
beforeAll(async () => {
  goldens = await openSafetensors("tests/goldens/ops/ops.safetensors");
});

async function bytes(name: string): Promise<ArrayBuffer> {
  const tensor = goldens.tensors.get(name);
  if (!tensor) throw new Error(`no golden ${name}`);
  return (await readTensor(tensor)).buffer;
}

test.each([
  ["cast f16", f32ToF16, f16ToF32],
  ["cast bf16", f32ToBf16, bf16ToF32],
] as const)("%s equals PyTorch bit by bit", async (name, narrow, widen) => {
  const x = new Float32Array(await bytes(`${name}/inputs/x`));
  const half = new Uint16Array(await bytes(`${name}/outputs/half`));
  expect(x.length).toBeGreaterThan(20);
  expect(narrow(x)).toEqual(half);
  const back = new Uint32Array(await bytes(`${name}/outputs/back`));
  expect(new Uint32Array(widen(half).buffer)).toEqual(back);
});

test.each([
  ["f16", f16Bits, fromF16Bits],
  ["bf16", bf16Bits, fromBf16Bits],
] as const)("%s: every pattern survives, every midpoint goes to even", (_, narrow, widen) => {
  for (let half = 0; half < 0x10000; half += 1) {
    const value = widen(half);
    if (Number.isNaN(value)) {
      expect(Number.isNaN(widen(narrow(value)))).toBe(true);
      continue;
    }
    if (narrow(value) !== half) expect.fail(`${half} came back as ${narrow(value)}`);
    const next = widen(half + 1);
    if (!Number.isFinite(value) || !Number.isFinite(next) || (half & 0x7fff) === 0x7fff) continue;
    const middle = (value + next) / 2; // exact in f64, and in f32 for both formats
    const even = half % 2 === 0 ? half : half + 1;
    if (Math.fround(middle) === middle && narrow(middle) !== even)
      expect.fail(`${middle} became ${narrow(middle)}, not ${even}`);
  }
});

test("integers and f64 widen to the numbers they hold", () => {
  const of = (view: ArrayBufferView) => new Uint8Array(view.buffer);
  expect([...bytesToF32(of(BigInt64Array.of(-3n, 7n)), "i64")]).toEqual([-3, 7]);
  expect([...bytesToF32(of(Int16Array.of(-300, 2)), "i16")]).toEqual([-300, 2]);
  expect([...bytesToF32(of(Float64Array.of(0.5, 1e40)), "f64")]).toEqual([0.5, Infinity]);
  expect([...bytesToF32(Uint8Array.of(0, 1, 2), "bool")]).toEqual([0, 1, 1]);
  expect([...bytesToF32(Uint8Array.of(9, 0xff, 0x80).subarray(1), "i8")]).toEqual([-1, -128]);
});

test("bytes at an odd offset are read as they are", () => {
  const odd = new Uint8Array(9);
  odd.set(f32ToBytes(Float32Array.of(1.5, -2), "f32"), 1);
  expect([...bytesToF32(odd.subarray(1), "f32")]).toEqual([1.5, -2]);
});

test("NaN and infinities are counted", () => {
  expect(countNotFinite(Float32Array.of(NaN, 1, Infinity, -Infinity))).toEqual({
    nan: 1,
    infinite: 2,
  });
});
