/** @file Calling native libraries: addresses of arrays, and calls that leave the event loop free. */
import type koffiPackage from "koffi";
import { createRequire } from "node:module";
import { EngineError } from "../base/index.ts";

/** An address or a native handle. */
export type Pointer = bigint;

/** A native function as koffi makes it. */
export interface NativeFunction {
  (...args: readonly unknown[]): unknown;
  async(...args: readonly unknown[]): void;
}

type Koffi = typeof koffiPackage;
/** A loaded library: collected, it takes its code with it. */
export type Library = ReturnType<Koffi["load"]>;
/** A type as koffi is told it. */
export type NativeType = Parameters<Koffi["sizeof"]>[0];

let opened: Koffi | null = null;

/**
 * The package koffi, loaded when it is first needed: its binaries are in packages of their own, which not every machine has,
 * and other engines do without. Throws EngineError where it cannot be loaded.
 */
export function koffi(): Koffi {
  opened ??= openKoffi();
  return opened;
}

function openKoffi(): Koffi {
  try {
    const found = createRequire(import.meta.url)("koffi") as Koffi;
    // It runs native code on stacks of its own, 128 KiB for asynchronous calls: a matrix kernel was seen to need 80.
    found.config({ ...found.config(), sync_stack_size: 8 << 20, async_stack_size: 8 << 20 });
    return found;
  } catch (cause) {
    const [reason] = (cause instanceof Error ? cause.message : String(cause)).split("\n");
    throw new EngineError(`koffi, which calls native libraries, cannot be loaded: ${reason}`, {
      hint: "npm i koffi --include=optional",
      cause,
    });
  }
}

/** Where an array's memory lies. An address alone does not keep it from the collector. */
export const addressOf = (memory: ArrayBufferView): Pointer => koffi().address(memory);

/** What native calls under way point at: the collector cannot see through an address. */
const held = new Set<readonly unknown[]>();

/** Native calls at once: koffi throws at more than 256, and each has a stack; the pool runs only a few anyway. */
const mostCalls = 32;
let calls = 0;
const waiting: (() => void)[] = [];

/** Awaits a call of `library` on a thread of libuv's pool; the event loop stays free, and `kept` stays alive. */
export async function onPool(
  library: string,
  native: NativeFunction,
  { args, kept }: Readonly<Record<"args" | "kept", readonly unknown[]>>,
): Promise<unknown> {
  held.add(kept);
  // A call that ends hands its place on, so the count stays.
  if (calls >= mostCalls) await new Promise<void>((resolve) => waiting.push(resolve));
  else calls += 1;
  try {
    return await new Promise((resolve, reject) => {
      native.async(...args, (error: Error | null, status: unknown) => {
        if (error) reject(error);
        else resolve(status);
      });
    });
  } catch (cause) {
    throw new EngineError(`${library} could not be called`, { cause });
  } finally {
    held.delete(kept);
    const next = waiting.shift();
    if (next) next();
    else calls -= 1;
  }
}

/** Shapes as C wants them, kept for good. */
export class Shapes {
  readonly #known = new Map<string, BigInt64Array>();

  /** The address of a shape's axes. */
  address(shape: readonly number[]): Pointer {
    const key = shape.join();
    const axes = this.#known.get(key) ?? BigInt64Array.from(shape, BigInt);
    this.#known.set(key, axes);
    return addressOf(axes);
  }
}
