/** @file A decoded picture as a plain value: bytes from 0 to 255, row by row, channels together. */
import { assert } from "../base/index.ts";

/** Grey, RGB or RGB with straight (not premultiplied) alpha; sRGB; 8 bits a channel. */
export interface Image {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3 | 4;
  /** width · height · channels bytes, from the top left, no padding between rows. */
  readonly data: Uint8Array;
}

/** Of one text in a picture; an infotext has a few thousand. */
export const maxTextBytes = 2 ** 22;

/** Texts that a picture carries, by keyword, and what was left out and why. */
export interface PictureTexts {
  readonly texts: ReadonlyMap<string, string>;
  readonly remarks: readonly string[];
}

/** Checks that the bytes fill the size and pairs them. */
export function imageOf(data: Uint8Array, { width, height, channels }: Omit<Image, "data">): Image {
  const needed = width * height * channels;
  assert(data.length === needed, `${data.length} bytes for ${width}×${height}×${channels}`);
  return { width, height, channels, data };
}

/** The picture with the channels asked for. Alpha is laid on `background`, white by default; grey is the
 * luma of Rec. 601, 0.299 R + 0.587 G + 0.114 B, as in Pillow. */
export function withChannels(
  image: Image,
  channels: Image["channels"],
  background: readonly [number, number, number] = [255, 255, 255],
): Image {
  if (image.channels === channels) return image;
  const pixels = image.width * image.height;
  const data = new Uint8Array(pixels * channels);
  for (let i = 0; i < pixels; i += 1) {
    const [red, green, blue, alpha] = pixelAt(image, i);
    const over = (value: number, channel: number) =>
      channels === 4 ? value : (value * alpha + background[channel] * (255 - alpha)) / 255;
    const rgb = [over(red, 0), over(green, 1), over(blue, 2)];
    if (channels === 1) data[i] = Math.round(0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2]);
    else rgb.forEach((value, c) => (data[i * channels + c] = Math.round(value)));
    if (channels === 4) data[i * 4 + 3] = alpha;
  }
  return imageOf(data, { ...image, channels });
}

function pixelAt({ data, channels }: Image, i: number): [number, number, number, number] {
  const at = i * channels;
  if (channels === 1) return [data[at], data[at], data[at], 255];
  return [data[at], data[at + 1], data[at + 2], channels === 4 ? data[at + 3] : 255];
}
