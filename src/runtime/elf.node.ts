/** @file ELF libraries by their program headers: what loaders map without asking whether the file is long enough (ELF-64, part 2). */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const load = 1; // PT_LOAD

/**
 * Whether a 64-bit little-endian ELF file ends before what its program headers map: reading that would end the process with a bus
 * error. False for every other file, which loaders refuse by themselves.
 */
export function isCutShort(file: string): boolean {
  let handle: number;
  try {
    handle = openSync(file, "r");
  } catch {
    return false;
  }
  try {
    const { size } = fstatSync(handle);
    const read = (offset: number, length: number) => {
      const bytes = Buffer.alloc(length);
      return bytes.subarray(0, readSync(handle, bytes, 0, length, offset));
    };
    const head = read(0, 64);
    if (head.length < 64 || head.readUInt32BE(0) !== 0x7f454c46) return false;
    if (head[4] !== 2 || head[5] !== 1) return false;
    const [entry, count] = [head.readUInt16LE(54), head.readUInt16LE(56)];
    if (entry < 56) return false;
    const table = read(Number(head.readBigUInt64LE(32)), entry * count);
    if (table.length < entry * count) return true;
    for (let at = 0; at < table.length; at += entry) {
      const end = table.readBigUInt64LE(at + 8) + table.readBigUInt64LE(at + 32);
      if (table.readUInt32LE(at) === load && end > BigInt(size)) return true;
    }
    return false;
  } finally {
    closeSync(handle);
  }
}
