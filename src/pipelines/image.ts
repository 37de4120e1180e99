/** @file From what a decoder answers to pictures. */
import { assert, type HostArray } from "../base/index.ts";
import { imageOf, type Image } from "../formats/index.ts";

/** The pictures of [n, 3, h, w] in [-1, 1]: x/2 + ½, clamped, ·255, halves to the even neighbour, as diffusers rounds. */
export function toImages(x: HostArray): Image[] {
  const [count, channels, height, width] = x.shape;
  assert(channels === 3 || channels === 1, `pictures of ${channels} channels`);
  const pixels = height * width;
  return Array.from({ length: count }, (_, image) => {
    const data = new Uint8Array(pixels * channels);
    for (let channel = 0; channel < channels; channel++) {
      const start = (image * channels + channel) * pixels;
      for (let i = 0; i < pixels; i++) data[i * channels + channel] = toByte(x.data[start + i]);
    }
    return imageOf(data, { width, height, channels });
  });
}

function toByte(value: number): number {
  const shifted = Math.fround(Math.fround(value / 2) + 0.5);
  const scaled = Math.fround(Math.min(Math.max(shifted, 0), 1) * 255);
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
