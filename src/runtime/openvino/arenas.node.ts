/** @file How many heaps the C library keeps for OpenVINO's threads. */
import { koffi } from "../native.node.ts";

/** `M_ARENA_MAX` of glibc's `mallopt`. */
const mostArenas = -8;

/**
 * Has all threads allocate from one heap. glibc gives each thread its own, and what one has freed the others cannot have: 2000 small
 * pictures in bf16 grew from 243 MB to 390, from one heap they stay at 240. Other systems' libraries have no such heaps.
 */
export function shareHeap(): void {
  if (process.platform !== "linux") return;
  try {
    const mallopt = koffi().load(null).func("int mallopt(int option, int value)");
    mallopt(mostArenas, 1);
  } catch {
    // musl has no mallopt, and no arenas either.
  }
}
