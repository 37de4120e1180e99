/** @file First values of parameters, drawn by seed and path: the same whatever the order of modules. */
import { keyedRandom, sizeOf, type Random } from "../base/index.ts";
import type { Init, Parameter } from "../tensor/index.ts";

/** FNV-1a of a text, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

function fill(init: Init, shape: readonly number[], random: Random): Float32Array {
  if (init.kind === "constant") return new Float32Array(sizeOf(shape)).fill(init.value);
  if (init.kind === "normal") return random.normal(shape).data.map((x) => x * init.std);
  return random.uniform(shape).data.map((x) => (2 * x - 1) * init.bound);
}

/** The numbers a parameter starts training with. */
export function initialValues(parameter: Parameter, seed: number): Float32Array {
  const { init, shape, path } = parameter;
  return fill(init, shape, keyedRandom(seed, hashOf(path), 0));
}
