/** @file Contact sheets: many pictures with their names on one PNG, for the eye. */
import sharp, { type OverlayOptions } from "sharp";

/** One thing on the sheet: its name and its pictures, [3, size, size] u8 planes. */
export interface SheetRow {
  readonly title: string;
  readonly pictures: readonly Uint8Array[];
}

/** Pixels of a thumbnail, of the name above it, and pictures in a line. */
export interface SheetLayout {
  readonly thumbnail: number;
  readonly columns: number;
}

const titleHeight = 14;

/** A PNG with the rows side by side, each under its name, as many to a line as fit. */
export async function contactSheet(
  rows: readonly SheetRow[],
  size: number,
  { thumbnail, columns }: SheetLayout = { thumbnail: 48, columns: 28 },
): Promise<Uint8Array> {
  const widest = Math.max(1, ...rows.map((row) => row.pictures.length));
  const perLine = Math.max(1, Math.floor(columns / widest));
  const [cellWidth, cellHeight] = [widest * thumbnail + 8, thumbnail + titleHeight + 4];
  const parts: OverlayOptions[] = [];
  for (const [index, { title, pictures }] of rows.entries()) {
    const left = (index % perLine) * cellWidth + 4;
    const top = Math.floor(index / perLine) * cellHeight;
    parts.push({ input: titleSvg(title, cellWidth), left, top });
    for (const [column, planes] of pictures.entries()) {
      const input = await thumbnailOf(planes, size, thumbnail);
      parts.push({ input, left: left + column * thumbnail, top: top + titleHeight });
    }
  }
  const height = Math.max(1, Math.ceil(rows.length / perLine)) * cellHeight;
  const create = { width: perLine * cellWidth, height, channels: 3, background: "#fff" } as const;
  return sharp({ create }).composite(parts).png({ palette: true, effort: 8 }).toBuffer();
}

function titleSvg(title: string, width: number): Buffer {
  const safe = title.replace(/[&<>]/g, (sign) => `&#${sign.charCodeAt(0)};`);
  return Buffer.from(
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width - 4}" height="${titleHeight}">` +
      `<text x="0" y="11" font-size="11" font-family="sans-serif" fill="#333">${safe}</text></svg>`,
  );
}

async function thumbnailOf(planes: Uint8Array, size: number, to: number): Promise<Buffer> {
  return sharp(interleave(planes), { raw: { width: size, height: size, channels: 3 } })
    .resize(to, to)
    .png({ compressionLevel: 1 })
    .toBuffer();
}

/** Planes R, G, B to RGB triples. */
function interleave(planes: Uint8Array): Uint8Array {
  const pixels = planes.length / 3;
  const rgb = new Uint8Array(planes.length);
  for (let i = 0; i < planes.length; i++)
    rgb[3 * (i % pixels) + Math.floor(i / pixels)] = planes[i];
  return rgb;
}
