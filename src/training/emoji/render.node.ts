/** @file Vector drawings to pixels, with sharp (librsvg): crisp, because the placement is part of the SVG. */
import sharp from "sharp";
import { assert } from "../../base/index.ts";
import { svgOf, type Icon, type Placement } from "./icons.ts";

/** The rectangle of pixels that a drawing covers; right and bottom are exclusive. */
export interface Box {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A rendered drawing: RGBA bytes, row by row, colours not multiplied by alpha. */
export async function renderIcon(
  icon: Icon,
  placement: Placement,
  size: number,
): Promise<Uint8Array> {
  const svg = Buffer.from(svgOf(icon, placement, size));
  // 72 dpi makes one SVG unit one pixel: the outer SVG has the picture's own size.
  const image = sharp(svg, { density: 72, unlimited: true }).ensureAlpha();
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  assert(
    info.width === size && info.height === size && info.channels === 4,
    `rendered ${info.width}×${info.height}×${info.channels} instead of ${size}×${size}×4`,
  );
  return new Uint8Array(data.buffer, data.byteOffset, data.length);
}

/** Pixels with more than a trace of colour; undefined for an empty picture. */
export function inkBox(rgba: Uint8Array, size: number): Box | undefined {
  const box = { left: size, top: size, right: 0, bottom: 0 };
  for (let pixel = 0; pixel < size * size; pixel++) {
    if (rgba[4 * pixel + 3] < 16) continue;
    const [x, y] = [pixel % size, Math.floor(pixel / size)];
    box.left = Math.min(box.left, x);
    box.top = Math.min(box.top, y);
    box.right = Math.max(box.right, x + 1);
    box.bottom = Math.max(box.bottom, y + 1);
  }
  return box.right === 0 ? undefined : box;
}

/** The placement that centres what is drawn (not its view box) with its longer side at `fill` of the picture. */
export async function fitIcon(icon: Icon, size: number, fill: number): Promise<Placement> {
  const scale = size / Math.max(icon.width, icon.height);
  const whole = {
    scale,
    x: (size - scale * icon.width) / 2,
    y: (size - scale * icon.height) / 2,
    mirrored: false,
  };
  const box = inkBox(await renderIcon({ ...icon, flipped: false }, whole, size), size);
  if (box === undefined) return whole;
  const grow = (fill * size) / Math.max(box.right - box.left, box.bottom - box.top);
  return {
    scale: scale * grow,
    x: size / 2 + grow * (whole.x - (box.left + box.right) / 2),
    y: size / 2 + grow * (whole.y - (box.top + box.bottom) / 2),
    mirrored: false,
  };
}

/** RGBA over white as three planes R, G, B: the layout of one training picture, [3, size, size] u8. */
export function onWhite(rgba: Uint8Array): Uint8Array {
  const pixels = rgba.length / 4;
  const planes = new Uint8Array(3 * pixels);
  for (let pixel = 0; pixel < pixels; pixel++) {
    const alpha = rgba[4 * pixel + 3];
    for (let channel = 0; channel < 3; channel++) {
      const mixed = rgba[4 * pixel + channel] * alpha + 255 * (255 - alpha);
      planes[channel * pixels + pixel] = Math.round(mixed / 255);
    }
  }
  return planes;
}

/** Mean difference (0–255) between a picture's planes and their mirror image: small for symmetric things. */
export function asymmetry(planes: Uint8Array, size: number): number {
  let sum = 0;
  for (let i = 0; i < planes.length; i++) {
    const x = i % size;
    sum += Math.abs(planes[i] - planes[i - x + size - 1 - x]);
  }
  return sum / planes.length;
}
