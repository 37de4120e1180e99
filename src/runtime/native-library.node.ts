/** @file Loading the libraries of native engines: what is wrong with a file is told as a sentence. */
import { readFileSync } from "node:fs";
import { EngineError } from "../base/index.ts";
import { isCutShort } from "./elf.node.ts";
import { koffi, type Library } from "./native.node.ts";

/** Throws EngineError where a file of a library ends too early: loading it would end this process. */
export function refuseCutShort(file: string, hint: string): void {
  if (isCutShort(file)) throw new EngineError(`${file} is cut short`, { hint });
}

/** Loads a library. Throws EngineError, with the hint, where it is broken or for another machine; also where koffi is. */
export function loadLibrary(file: string, hint: string): Library {
  const { load } = koffi();
  refuseCutShort(file, hint);
  try {
    return load(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const machine = machineOf(file);
    const wrong = machine !== null && machine !== process.arch;
    throw new EngineError(
      wrong
        ? `${file} is made for ${machine}, this machine is ${process.arch}`
        : `${file} cannot be loaded: ${reason.replace(/^Failed to load shared library: /, "")}`,
      { hint, cause },
    );
  }
}

/** The machine an ELF, Mach-O or PE file is made for, by Node's names; null where it cannot be told. */
function machineOf(file: string): string | null {
  const bytes = headOf(file);
  if (bytes.length < 64) return null;
  const names: Record<number, string> = { 62: "x64", 183: "arm64", 3: "ia32", 40: "arm" };
  if (bytes.readUInt32BE(0) === 0x7f454c46)
    return names[bytes.readUInt16LE(18)] ?? "another machine";
  const mach: Record<number, string> = { 0x01000007: "x64", 0x0100000c: "arm64" };
  if (bytes.readUInt32LE(0) === 0xfeedfacf) return mach[bytes.readUInt32LE(4)] ?? "another machine";
  const at = bytes.readUInt16BE(0) === 0x4d5a ? bytes.readUInt32LE(60) : bytes.length;
  const windows: Record<number, string> = { 0x8664: "x64", 0xaa64: "arm64", 0x14c: "ia32" };
  return at + 6 > bytes.length ? null : (windows[bytes.readUInt16LE(at + 4)] ?? "another machine");
}

function headOf(file: string): Buffer {
  try {
    return readFileSync(file).subarray(0, 4096);
  } catch {
    return Buffer.alloc(0);
  }
}
