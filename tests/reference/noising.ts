/** @file The forward process on host arrays: noising, and the velocity that a network may be asked for. */
import { assert, type HostArray } from "../../src/base/index.ts";
import { fromRows, rowsOf } from "../../src/schedulers/arithmetic.ts";

/** x = √ᾱ x0 + √(1 - ᾱ) n, with one ᾱ per row of the first axis. */
export function diffuse(
  clean: HostArray,
  noise: HostArray,
  alphaBars: readonly number[],
): HostArray {
  return mixRows(clean, noise, alphaBars, (alphaBar) => [
    Math.sqrt(alphaBar),
    Math.sqrt(1 - alphaBar),
  ]);
}

/** v = √ᾱ n - √(1 - ᾱ) x0 (Salimans and Ho 2022), with one ᾱ per row of the first axis. */
export function velocity(
  clean: HostArray,
  noise: HostArray,
  alphaBars: readonly number[],
): HostArray {
  return mixRows(clean, noise, alphaBars, (alphaBar) => [
    -Math.sqrt(1 - alphaBar),
    Math.sqrt(alphaBar),
  ]);
}

function mixRows(
  clean: HostArray,
  noise: HostArray,
  alphaBars: readonly number[],
  factors: (alphaBar: number) => [clean: number, noise: number],
): HostArray {
  const [cleanRows, noiseRows] = [rowsOf(clean), rowsOf(noise)];
  assert(
    cleanRows.length === alphaBars.length,
    `${alphaBars.length} ᾱ for ${cleanRows.length} rows`,
  );
  const rows = cleanRows.map((row, i) => {
    const [a, b] = factors(alphaBars[i]);
    return row.map((value, k) => a * value + b * noiseRows[i][k]);
  });
  return fromRows(rows, clean.shape);
}
