/** @file What the UNet is told beside latents and timestep, for every row of a batch: [negative rows, positive rows]. */
import { hostArray, type HostArray } from "../base/index.ts";
import type { EncodedText } from "./text-encoding.ts";

/** Rows for the UNet. `guided` has a negative row for every picture before the positive ones. */
export interface Conditioning {
  readonly guided: boolean;
  /** [rows, tokens, width]. */
  readonly states: HostArray;
  /** SDXL: [rows, width]. */
  readonly pooled: HostArray | null;
  /** SDXL: [rows, 6]. */
  readonly timeIds: HostArray | null;
}

/** The same text with all numbers 0: SDXL's way to say "no prompt". */
export function zeroText({ states, pooled }: EncodedText): EncodedText {
  const zero = ({ shape, data }: HostArray) => hostArray(new Float32Array(data.length), shape);
  return { states: zero(states), pooled: pooled && zero(pooled) };
}

/** Stacks texts, one a row; `timeIds` is the same for every row. */
export function conditioningOf(
  positive: readonly EncodedText[],
  negative: readonly EncodedText[] | null,
  timeIds: readonly number[] | null,
): Conditioning {
  const rows = [...(negative ?? []), ...positive];
  const pooled = rows.flatMap((text) => (text.pooled ? [text.pooled] : []));
  return {
    guided: negative !== null,
    states: stack(rows.map(({ states }) => states)),
    pooled: pooled.length > 0 ? stack(pooled) : null,
    timeIds:
      timeIds && stack(rows.map(() => hostArray(Float32Array.from(timeIds), [timeIds.length]))),
  };
}

/** Arrays of one shape under each other, a new first axis. */
export function stack(rows: readonly HostArray[]): HostArray {
  const [{ shape, data: first }] = rows;
  const data = new Float32Array(rows.length * first.length);
  rows.forEach((row, i) => data.set(row.data, i * first.length));
  return hostArray(data, [rows.length, ...shape]);
}
