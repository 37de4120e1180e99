/** @file Padding the way PyTorch counts it: from the last axis backwards, by five rules, cropping where negative. */
import { assert, ShapeError } from "../base/index.ts";
import { indices } from "./layout.ts";
import type { Tensor } from "./tensor.ts";
import { show } from "./type.ts";

/** What lies beyond the ends of an axis, by the names of torch. */
export type PadMode = "constant" | "reflect" | "replicate" | "circular";

/** Which element of an axis stands at place i when the axis goes on beyond its ends. */
const beyond: Record<Exclude<PadMode, "constant">, (i: number, length: number) => number> = {
  reflect: (i, length) => (i < 0 ? -i : i >= length ? 2 * (length - 1) - i : i),
  replicate: (i, length) => Math.min(Math.max(i, 0), length - 1),
  circular: (i, length) => ((i % length) + length) % length,
};

function padConstant(
  x: Tensor,
  axis: number,
  [begin, end]: readonly [number, number],
  value: number,
): Tensor {
  const cropped = x.slice(axis, Math.max(-begin, 0), x.shape[axis] + Math.min(end, 0));
  const along = (n: number) => x.shape.map((_, i) => (i === axis ? Math.max(n, 0) : 0));
  return cropped.pad([...along(begin), ...along(end)], value);
}

/**
 * Widens the last axes: `widths` are (before, after) of the last axis, then of the one before it, …
 * Negative widths cut off instead.
 */
export function pad(
  x: Tensor,
  widths: readonly number[],
  { mode = "constant", value = 0 }: { mode?: PadMode; value?: number } = {},
): Tensor {
  assert(widths.length % 2 === 0, `pad widths come in pairs, got ${widths.length}`);
  let y = x;
  for (let i = 0; i < widths.length; i += 2) {
    const axis = x.rank - 1 - i / 2;
    const [begin, end] = [widths[i], widths[i + 1]];
    if (begin === 0 && end === 0) continue;
    if (mode === "constant") {
      y = padConstant(y, axis, [begin, end], value);
      continue;
    }
    const length = x.shape[axis];
    const most = mode === "reflect" ? length - 1 : mode === "circular" ? length : Infinity;
    if (Math.max(begin, end) > most)
      throw new ShapeError(
        `pad: ${mode} reaches at most ${most} beyond axis ${axis} of ${show(x)}`,
      );
    const places = Array.from({ length: length + begin + end }, (_, k) =>
      beyond[mode](k - begin, length),
    );
    y = y.gather(indices(places), axis);
  }
  return y;
}
