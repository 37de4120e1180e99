/** @file Pictures side by side, for looking at. */
import { assert } from "../base/index.ts";
import type { Image } from "../formats/index.ts";

/** One RGB picture of equally large ones, row by row, `across` in each; every pixel `zoom` × `zoom`. */
export function gridOf(
  pictures: readonly Image[],
  { across, zoom = 1 }: { across: number; zoom?: number },
): Image {
  const [{ width, height }] = pictures;
  const fits = pictures.every((p) => p.width === width && p.height === height && p.channels === 3);
  assert(fits, "a grid needs RGB pictures of one size");
  const columns = across * width * zoom;
  const rows = Math.ceil(pictures.length / across) * height * zoom;
  // White where the last row has no picture.
  const data = new Uint8Array(columns * rows * 3).fill(255);
  for (let i = 0; i < data.length; i++) {
    const [channel, x, y] = [i % 3, Math.floor(i / 3) % columns, Math.floor(i / 3 / columns)];
    const [column, row] = [Math.floor(x / zoom), Math.floor(y / zoom)];
    const picture: Image | undefined =
      pictures[Math.floor(row / height) * across + Math.floor(column / width)];
    const place = (row % height) * width + (column % width);
    if (picture) data[i] = picture.data[place * 3 + channel];
  }
  return { width: columns, height: rows, channels: 3, data };
}
