/** @file Small reproducible draws for data sets: uniform numbers that depend only on a path of integers. */

/** A stream of uniform numbers in [0, 1). */
export type Chance = () => number;

/** A bijection of 32-bit words in which every input bit flips about half of the output bits. */
function scramble(word: number): number {
  word = Math.imul(word ^ (word >>> 16), 0x85ebca6b);
  word = Math.imul(word ^ (word >>> 13), 0xc2b2ae35);
  return (word ^ (word >>> 16)) >>> 0;
}

/** The stream that belongs to a path such as (seed, picture, epoch): same path, same numbers. */
export function chance(...path: readonly number[]): Chance {
  const start = path.reduce(
    (state, part) => scramble((Math.imul(state, 31) + scramble(part + 0x9e3779b9)) >>> 0),
    path.length,
  );
  let count = 0;
  return () => scramble((start + Math.imul(++count, 0x9e3779b9)) >>> 0) / 2 ** 32;
}

/** One element, each equally likely. */
export function pick<T>(draw: Chance, from: readonly T[]): T {
  return from[Math.floor(draw() * from.length)];
}

/** `count` different elements (all of them when there are fewer), in random order. */
export function pickSome<T>(draw: Chance, from: readonly T[], count: number): T[] {
  const rest = [...from];
  const chosen: T[] = [];
  while (chosen.length < count && rest.length > 0)
    chosen.push(...rest.splice(Math.floor(draw() * rest.length), 1));
  return chosen;
}
