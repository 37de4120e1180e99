/** @file Words of WebAssembly's binary format, as its specification lists them: only those that loops are made of. */

/** Types of values. */
export const types = { i32: 0x7f, f32: 0x7d, v128: 0x7b } as const;

/** An unsigned number in LEB128. */
export function unsigned(n: number): number[] {
  return n < 128 ? [n] : [(n & 127) | 128, ...unsigned(n >>> 7)];
}

/** A signed number in LEB128, for numbers from 0. */
function signed(n: number): number[] {
  return n < 64 ? [n] : [(n & 127) | 128, ...signed(n >>> 7)];
}

const simd = (instruction: number, ...rest: number[]) => [0xfd, ...unsigned(instruction), ...rest];
/** Alignment 2⁰, which promises nothing and costs nothing, and an offset in bytes. */
const place = (offset: number) => [0, ...unsigned(offset)];

export const get = (local: number): number[] => [0x20, ...unsigned(local)];
export const set = (local: number): number[] => [0x21, ...unsigned(local)];
export const i32 = {
  constant: (n: number): number[] => [0x41, ...signed(n)],
  add: [0x6a],
  less: [0x48],
  multiple: (...lanes: number[]): number[] =>
    simd(0x0c, ...lanes.flatMap((n) => [n & 255, (n >> 8) & 255, 0, 0])),
  splat: simd(0x11),
  lessOfFour: simd(0x39),
  addFour: simd(0xae),
} as const;
export const f32 = {
  load: (offset: number): number[] => simd(0x00, ...place(offset)),
  store: (offset: number): number[] => simd(0x0b, ...place(offset)),
  splat: simd(0x13),
  /** An op of `operations.ts` on four numbers. */
  four: (instruction: number): number[] => simd(instruction),
  and: simd(0x4e),
  /** Brings the upper two of four numbers down; the operand is given twice. */
  upper: simd(0x0d, 8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15),
} as const;
export const f64 = {
  /** Two f64 of the lower two of four f32. */
  ofLower: simd(0x5f),
  addTwo: simd(0xf0),
  lane: (n: number): number[] => simd(0x21, n),
  add: [0xa0],
  store: (offset: number): number[] => [0x39, ...place(offset)],
} as const;

/** Runs `body` again and again while what `condition` leaves on the stack is not 0. */
export const repeatWhile = (body: readonly number[], condition: readonly number[]): number[] => [
  ...[0x03, 0x40, ...body, ...condition],
  ...[0x0d, 0x00, 0x0b],
];

/** Pages of 64 KiB that a memory can have: 4 GiB. */
export const mostPages = 65536;

const list = (items: readonly (readonly number[])[]) => [
  ...unsigned(items.length),
  ...items.flat(),
];
const section = (id: number, items: readonly (readonly number[])[]) => {
  const body = list(items);
  return [id, ...unsigned(body.length), ...body];
};
const text = (word: string) => [...unsigned(word.length), ...[...word].map((c) => c.charCodeAt(0))];

/** A function without results: types of its arguments, of its other locals as runs of one type, and its code. */
export interface FunctionCode {
  readonly takes: readonly number[];
  readonly locals: readonly (readonly [count: number, type: number])[];
  readonly code: readonly number[];
}

/** A module that imports its memory, which threads share, as `host.memory` and exports one function as `run`. */
export function moduleOf({ takes, locals, code }: FunctionCode): Uint8Array<ArrayBuffer> {
  const body = [
    ...list(locals.map(([count, type]) => [...unsigned(count), type])),
    ...[...code, 0x0b],
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00], // "\0asm", version 1
    ...section(1, [[0x60, ...list(takes.map((type) => [type])), 0]]),
    ...section(2, [
      [...text("host"), ...text("memory"), 0x02, 0x03, ...unsigned(1), ...unsigned(mostPages)],
    ]),
    ...section(3, [[0]]),
    ...section(7, [[...text("run"), 0x00, 0]]),
    ...section(10, [[...unsigned(body.length), ...body]]),
  ]);
}
