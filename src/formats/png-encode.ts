/** @file Writes PNG pictures (ISO/IEC 15948) anywhere: filters by rule, deflate by the platform. */
import type { Image } from "./image.ts";
import { concat, pngOf, withPngTexts } from "./png.ts";

/** IHDR's colour types by number of channels: grey, RGB, RGB with alpha. */
const colourTypes = { 1: 0, 3: 2, 4: 6 } as const;

/** A PNG file of the picture, with texts by keyword (`parameters` is where A1111 keeps its infotext). */
export async function encodePng(
  image: Image,
  texts: ReadonlyMap<string, string> = new Map(),
): Promise<Uint8Array<ArrayBuffer>> {
  const header = new Uint8Array(13);
  const view = new DataView(header.buffer);
  view.setUint32(0, image.width);
  view.setUint32(4, image.height);
  header.set([8, colourTypes[image.channels]], 8); // 8 bits a channel; the last three are always 0
  const png = pngOf([
    { type: "IHDR", data: header },
    { type: "IDAT", data: await deflate(filteredRows(image)) },
    { type: "IEND", data: new Uint8Array(0) },
  ]);
  return withPngTexts(png, texts);
}

async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new CompressionStream("deflate");
  const writer = stream.writable.getWriter();
  const written = Promise.all([writer.write(bytes), writer.close()]);
  const parts: Uint8Array[] = [];
  // The stream is of bytes; the library types its chunks as anything.
  for await (const part of stream.readable as AsyncIterable<Uint8Array>) parts.push(part);
  await written;
  return concat(parts);
}

/** What each filter predicts of a byte from its neighbours left, above, and above left (section 9.2). */
const predictors: readonly ((left: number, up: number, corner: number) => number)[] = [
  () => 0,
  (left) => left,
  (_, up) => up,
  (left, up) => (left + up) >> 1,
  (left, up, corner) => {
    const [toLeft, toUp] = [Math.abs(up - corner), Math.abs(left - corner)];
    const toCorner = Math.abs(left + up - 2 * corner);
    if (toLeft <= toUp && toLeft <= toCorner) return left;
    return toUp <= toCorner ? up : corner;
  },
];

/** Every row after the number of its filter: the one that leaves the smallest sum of differences. */
function filteredRows({ width, height, channels, data }: Image): Uint8Array<ArrayBuffer> {
  const length = width * channels;
  const out = new Uint8Array(height * (length + 1));
  const trial = new Uint8Array(length);
  for (let row = 0; row < height; row++) {
    let least = Infinity;
    for (let filter = 0; filter < predictors.length; filter++) {
      const sum = filterRow(trial, data, { row, length, channels, filter });
      if (sum >= least) continue;
      least = sum;
      out[row * (length + 1)] = filter;
      out.set(trial, row * (length + 1) + 1);
    }
  }
  return out;
}

/** Filters one row into `out`; returns the sum of its differences, taken as signed bytes. */
function filterRow(
  out: Uint8Array,
  data: Uint8Array,
  at: { row: number; length: number; channels: number; filter: number },
): number {
  const { row, length, channels, filter } = at;
  const predict = predictors[filter];
  const start = row * length;
  let sum = 0;
  for (let i = 0; i < length; i++) {
    const left = i < channels ? 0 : data[start + i - channels];
    const up = row === 0 ? 0 : data[start + i - length];
    const corner = i < channels || row === 0 ? 0 : data[start + i - length - channels];
    const difference = (data[start + i] - predict(left, up, corner)) & 255;
    out[i] = difference;
    sum += difference < 128 ? difference : 256 - difference;
  }
  return sum;
}
