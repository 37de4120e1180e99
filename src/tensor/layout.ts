/** @file Rearranging elements: stacking, tiling, triangles, pixels and patches. */
import { ShapeError } from "../base/index.ts";
import { axisOf } from "./broadcast.ts";
import { applyOne, constant, type Tensor } from "./tensor.ts";
import { show } from "./type.ts";
import { concat, enlarge } from "./composites.ts";
import { windows, type WindowOptions } from "./windows.ts";

/** Whole numbers as an i64 constant. */
export function indices(numbers: readonly number[]): Tensor {
  return constant(BigInt64Array.from(numbers, BigInt), [numbers.length], "i64");
}

/** Tensors of one shape along a new axis. */
export function stack(tensors: readonly Tensor[], axis: number): Tensor {
  return concat(
    tensors.map((t) => t.unsqueeze(axis)),
    axis,
  );
}

/** `count` pieces of one length along `axis`; the last may be shorter. */
export function chunk(x: Tensor, count: number, axis: number): readonly Tensor[] {
  const length = x.shape[axisOf(axis, x.rank, "chunk")];
  const piece = Math.ceil(length / count);
  const pieces = Math.ceil(length / piece);
  const sizes = Array.from({ length: pieces }, (_, i) => Math.min(piece, length - i * piece));
  return x.split(axis, sizes);
}

/** Element `index` of an axis, which goes. */
export function select(x: Tensor, axis: number, index: number): Tensor {
  const length = x.shape[axisOf(axis, x.rank, "select")];
  const from = index < 0 ? index + length : index;
  return x.slice(axis, from, from + 1).squeeze(axis);
}

/** The order of elements reversed along each of `axes`. */
export function flip(x: Tensor, axes: readonly number[]): Tensor {
  return axes.reduce((y, axis) => {
    const a = axisOf(axis, x.rank, "flip");
    return x.shape[a] > 1 ? y.slice(a, x.shape[a] - 1, undefined, -1) : y;
  }, x);
}

/** Elements moved by `shift` places along `axis`; what leaves at one end enters at the other. */
export function roll(x: Tensor, shift: number, axis: number): Tensor {
  const length = x.shape[axisOf(axis, x.rank, "roll")];
  const cut = (length - (shift % length)) % length;
  return cut === 0 ? x : concat([x.slice(axis, cut), x.slice(axis, 0, cut)], axis);
}

/** The whole tensor `repeats[i]` times along axis i; more repeats than axes add axes in front. */
export function repeat(x: Tensor, repeats: readonly number[]): Tensor {
  const lead = repeats.length - x.rank;
  if (lead < 0) throw new ShapeError(`repeat: ${repeats.length} counts for ${show(x)}`);
  const shape = [...repeats.slice(0, lead).map(() => 1), ...x.shape];
  return x
    .reshape(...shape.flatMap((n) => [1, n]))
    .expand(...shape.flatMap((n, i) => [repeats[i], n]))
    .reshape(...shape.map((n, i) => n * repeats[i]));
}

/** The whole of the first axis over and over, until it has so many rows: [B,…] → [rows,…]. */
export function tileRows(x: Tensor, rows: number): Tensor {
  const times = rows / x.shape[0];
  if (!Number.isInteger(times) || times < 1)
    throw new ShapeError(`tileRows: ${rows} is no multiple of the rows of ${show(x)}`);
  return times === 1 ? x : concat(Array<Tensor>(times).fill(x), 0);
}

/** Each element `count` times in a row along `axis`. */
export function repeatInterleave(x: Tensor, count: number, axis: number): Tensor {
  const a = axisOf(axis, x.rank, "repeatInterleave");
  return enlarge(
    x,
    x.shape.slice(a).map((_, i) => (i === 0 ? count : 1)),
  );
}

/** x where `keep(row, column)` of the last two axes, 0 elsewhere. */
function triangle(x: Tensor, keep: (row: number, column: number) => boolean): Tensor {
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const mask = Uint8Array.from({ length: rows * columns }, (_, i) =>
    Number(keep(Math.floor(i / columns), i % columns)),
  );
  return constant(mask, [rows, columns], "bool").where(x, 0);
}

/** The lower triangle of the last two axes, up to `diagonal` places right of the main one. */
export function tril(x: Tensor, diagonal = 0): Tensor {
  return triangle(x, (row, column) => column - row <= diagonal);
}

/** The upper triangle of the last two axes, from `diagonal` places right of the main one. */
export function triu(x: Tensor, diagonal = 0): Tensor {
  return triangle(x, (row, column) => column - row >= diagonal);
}

/** Depth to space: [N,C·r²,H,W] → [N,C,H·r,W·r]; channel c·r² + i·r + j gives row i, column j of each block. */
export function pixelShuffle(x: Tensor, factor: number): Tensor {
  const [batch, deep, height, width] = x.shape as [number, number, number, number];
  const channels = deep / factor ** 2;
  return x
    .reshape(batch, channels, factor, factor, height, width)
    .transpose(0, 1, 4, 2, 5, 3)
    .reshape(batch, channels, height * factor, width * factor);
}

/** Space to depth, the inverse of `pixelShuffle`. */
export function pixelUnshuffle(x: Tensor, factor: number): Tensor {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  return x
    .reshape(batch, channels, height / factor, factor, width / factor, factor)
    .transpose(0, 1, 3, 5, 2, 4)
    .reshape(batch, channels * factor ** 2, height / factor, width / factor);
}

/** A picture as tokens, one per p×p patch: [N,C,H,W] → [N,(H/p)·(W/p),p·p·C], channels last. */
export function patchify(x: Tensor, patch: number): Tensor {
  const [batch, channels, height, width] = x.shape as [number, number, number, number];
  const [rows, columns] = [height / patch, width / patch];
  return x
    .reshape(batch, channels, rows, patch, columns, patch)
    .transpose(0, 2, 4, 3, 5, 1)
    .reshape(batch, rows * columns, patch * patch * channels);
}

/** The inverse of `patchify` for a picture of `rows` patches in height. */
export function unpatchify(x: Tensor, { patch, rows }: { patch: number; rows: number }): Tensor {
  const [batch, tokens, width] = x.shape as [number, number, number];
  const [columns, channels] = [tokens / rows, width / patch ** 2];
  return x
    .reshape(batch, rows, columns, patch, patch, channels)
    .transpose(0, 5, 1, 3, 2, 4)
    .reshape(batch, channels, rows * patch, columns * patch);
}

/** Columns of a convolution (im2col): [N,C,…] → [N, C·taps, positions]. */
export function unfold(x: Tensor, options: WindowOptions): Tensor {
  const taps = windows(x, options).map((tap) => tap.reshape(0, 0, 1, -1));
  const [batch, channels] = x.shape as [number, number];
  return concat(taps, 2).reshape(batch, channels * taps.length, -1);
}

/** 1 at each index, 0 elsewhere: [...] → [..., classes] of f32. */
export function oneHot(ids: Tensor, classes: number): Tensor {
  const range = indices(Array.from({ length: classes }, (_, i) => i)).cast(ids.dtype);
  return ids.unsqueeze(-1).equal(range).cast("f32");
}

/** x with `source` added element by element at `index` along `axis`. */
export function scatterAdd(x: Tensor, index: Tensor, source: Tensor, axis: number): Tensor {
  const a = axisOf(axis, x.rank, "scatterAdd");
  return applyOne("ScatterElements", [x, index, source], { axis: a });
}

/** x with rows of `source` added to the rows that `index` names. */
export function indexAdd(x: Tensor, index: Tensor, source: Tensor): Tensor {
  return applyOne("ScatterND", [x, index, source], {});
}
