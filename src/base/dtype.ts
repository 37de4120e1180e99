/** @file Element types, named as limn prints them, with their width in bytes. */
export const dtypeBytes = {
  f64: 8,
  f32: 4,
  f16: 2,
  bf16: 2,
  i64: 8,
  i32: 4,
  i16: 2,
  i8: 1,
  u8: 1,
  bool: 1,
} as const;

/** Element type of a tensor or a stored array. */
export type DType = keyof typeof dtypeBytes;
