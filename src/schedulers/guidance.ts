/** @file Classifier-free guidance (Ho and Salimans 2022) and its rescaling (Lin et al. 2023). */
import type { HostArray } from "../base/index.ts";
import { combine, fromRows, rowsOf } from "./arithmetic.ts";

/** The outputs of one network for the same x with and without its condition. */
export interface Outputs {
  readonly conditional: HostArray;
  readonly unconditional: HostArray;
}

/** Whether a scale asks for guidance at all: at 1 and below the conditional output is the answer. */
export function guides(scale: number): boolean {
  return scale > 1;
}

/** ε_u + scale (ε_c - ε_u); `rescale` > 0 then moves the deviation of each row towards that of ε_c by this share. */
export function guide(
  { conditional, unconditional }: Outputs,
  { scale, rescale = 0 }: { scale: number; rescale?: number },
): HostArray {
  const guided = combine([1 - scale, unconditional], [scale, conditional]);
  return rescale > 0 ? rescaleGuidance(guided, conditional, rescale) : guided;
}

/** share·(guided·std(ε_c)/std(guided)) + (1 - share)·guided, row by row: eq. 15 and 16 of Lin et al. 2023. */
function rescaleGuidance(guided: HostArray, conditional: HostArray, share: number): HostArray {
  const wanted = rowsOf(conditional).map(deviation);
  const rows = rowsOf(guided).map((row, i) => {
    const factor = share * (wanted[i] / deviation(row)) + 1 - share;
    return row.map((value) => value * factor);
  });
  return fromRows(rows, guided.shape);
}

/** The standard deviation with n - 1 in the denominator. */
function deviation(row: Float32Array): number {
  const mean = row.reduce((sum, value) => sum + value, 0) / row.length;
  return Math.sqrt(row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (row.length - 1));
}
