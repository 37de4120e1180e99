/** @file Shape arithmetic shared by rules: axes, broadcasting, windows. */
import { ShapeError } from "../base/index.ts";
import { show, type Operand } from "./type.ts";

/** Axis counted from the front; negative axes count from the back. */
export function axisOf(axis: number, rank: number, op: string): number {
  const from = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(from) || from < 0 || from >= rank)
    throw new ShapeError(`${op}: axis ${axis} is outside a tensor of ${rank} axes`);
  return from;
}

/** The common shape of operands by numpy's rule: equal, or 1, aligned at the last axis. */
export function broadcastShape(op: string, operands: readonly Operand[]): number[] {
  const rank = Math.max(...operands.map((x) => x.shape.length));
  return Array.from({ length: rank }, (_, i) => {
    const sizes = operands.map((x) => x.shape[i - rank + x.shape.length] ?? 1);
    const size = sizes.find((n) => n !== 1) ?? 1;
    if (sizes.some((n) => n !== 1 && n !== size))
      throw new ShapeError(`${op}: shapes do not broadcast (${operands.map(show).join(", ")})`);
    return size;
  });
}

/** Output length of a window of `kernel` sliding over `size` (floor convention). */
export function windowLength(
  size: number,
  { kernel, stride, dilation, pad }: Record<"kernel" | "stride" | "dilation" | "pad", number>,
): number {
  return Math.floor((size + pad - dilation * (kernel - 1) - 1) / stride) + 1;
}
