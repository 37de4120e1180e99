/** @file Recolouring by hue: find the colour that dominates a drawing and turn only that one. */
import { colourNames, colours, type ColourName, type Tint } from "./colours.ts";

/** Degrees around the peak that count as the dominant colour, and that are recoloured. */
const dominantReach = 32;
const tintReach = 48;

/** HSV of one pixel: hue in degrees, the others in [0, 1]. */
function toHsv(r: number, g: number, b: number): [number, number, number] {
  const max = Math.max(r, g, b);
  const span = max - Math.min(r, g, b);
  if (span === 0) return [0, 0, max / 255];
  const sector = max === r ? (g - b) / span : max === g ? 2 + (b - r) / span : 4 + (r - g) / span;
  return [(60 * sector + 360) % 360, span / max, max / 255];
}

/** Channel bytes of an HSV colour: f(n) = v − v s max(0, min(k, 4 − k, 1)), k = (n + h/60) mod 6. */
function toRgb(hue: number, saturation: number, value: number): [number, number, number] {
  const channel = (n: number): number => {
    const k = (n + hue / 60) % 6;
    return Math.round(255 * value * (1 - saturation * Math.max(0, Math.min(k, 4 - k, 1))));
  };
  return [channel(5), channel(3), channel(1)];
}

/** Distance of two hues on the circle, 0–180 degrees. */
export function hueDistance(a: number, b: number): number {
  const turn = Math.abs(a - b) % 360;
  return Math.min(turn, 360 - turn);
}

/** The colour that most of a drawing has. */
export interface Dominant {
  readonly hue: number;
  /** Means over the pixels of that hue. */
  readonly saturation: number;
  readonly value: number;
}

/** Histogram of hue in whole degrees, weighted by saturation × alpha, and what else the choice needs. */
function hueHistogram(rgba: Uint8Array) {
  const weight = new Float64Array(360);
  const pixels = new Float64Array(360);
  let opaque = 0;
  for (let i = 0; i < rgba.length; i += 4) {
    const alpha = rgba[i + 3] / 255;
    if (alpha < 0.5) continue;
    opaque++;
    const [hue, saturation, value] = toHsv(rgba[i], rgba[i + 1], rgba[i + 2]);
    if (saturation < 0.15 || value < 0.12) continue;
    weight[Math.floor(hue)] += saturation * alpha;
    pixels[Math.floor(hue)]++;
  }
  return { weight, pixels, opaque };
}

const near = (values: Float64Array, hue: number): number => {
  let sum = 0;
  for (let d = -dominantReach; d <= dominantReach; d++) sum += values[(hue + d + 360) % 360];
  return sum;
};

/**
 * The dominant hue of a drawing: at least 72 % of its coloured and 40 % of its opaque pixels lie within
 * ±32° of the peak. Null for many-coloured and for grey drawings.
 */
export function dominantColour(rgba: Uint8Array): Dominant | null {
  const { weight, pixels, opaque } = hueHistogram(rgba);
  const mass = weight.reduce((sum, w) => sum + w, 0);
  let peak = 0;
  for (let hue = 1; hue < 360; hue++) if (near(weight, hue) > near(weight, peak)) peak = hue;
  if (near(weight, peak) < 0.72 * mass || near(pixels, peak) < 0.4 * opaque || mass === 0)
    return null;
  // Many windows may hold the same pixels; their mean hue is the one to measure from.
  return meanNear(rgba, meanHue(weight, peak));
}

/** Weighted mean of the hues within reach of a peak. */
function meanHue(weight: Float64Array, peak: number): number {
  let turn = 0;
  for (let d = -dominantReach; d <= dominantReach; d++)
    turn += (d + 0.5) * weight[(peak + d + 360) % 360];
  return (peak + turn / near(weight, peak) + 360) % 360;
}

/** Mean hue (around the peak), saturation and value of the pixels within reach of it. */
function meanNear(rgba: Uint8Array, peak: number): Dominant {
  const sum = { turn: 0, saturation: 0, value: 0, count: 0 };
  for (let i = 0; i < rgba.length; i += 4) {
    if (rgba[i + 3] < 128) continue;
    const [hue, saturation, value] = toHsv(rgba[i], rgba[i + 1], rgba[i + 2]);
    if (saturation < 0.15 || hueDistance(hue, peak) > dominantReach) continue;
    sum.turn += ((hue - peak + 540) % 360) - 180;
    sum.saturation += saturation;
    sum.value += value;
    sum.count++;
  }
  const { count } = sum;
  return {
    hue: (peak + sum.turn / count + 360) % 360,
    saturation: sum.saturation / count,
    value: sum.value / count,
  };
}

/** Hue ranges in which people agree on the word, in degrees; between them no word is given. */
const plainHues: readonly [ColourName, number, number][] = [
  ["red", -14, 16],
  ["orange", 22, 36],
  ["yellow", 43, 62],
  ["green", 80, 162],
  ["turquoise", 168, 186],
  ["light blue", 192, 206],
  ["blue", 210, 242],
  ["purple", 258, 296],
  ["pink", 312, 342],
];

/** The word for a drawing's own colour, where it is plain enough to have one. */
export function nameOfColour({ hue, saturation, value }: Dominant): ColourName | null {
  if (saturation < 0.5) return null;
  if (value < 0.72 && hue > 5 && hue < 40) return value < 0.66 ? "brown" : null;
  const match = plainHues.find(
    ([, from, to]) => hueDistance(hue, (from + to) / 2) <= (to - from) / 2,
  );
  return match?.[0] ?? null;
}

/** A copy of a drawing whose dominant hue is turned to a colour; other hues, whites and outlines stay. */
export function recolour(rgba: Uint8Array, dominant: Dominant, colour: ColourName): Uint8Array {
  const { hue: target, saturation: less, value: lighter }: Tint = colours[colour].tint;
  const turned = Uint8Array.from(rgba);
  for (let i = 0; i < rgba.length; i += 4) {
    const [hue, saturation, value] = toHsv(rgba[i], rgba[i + 1], rgba[i + 2]);
    if (saturation < 0.08 || hueDistance(hue, dominant.hue) > tintReach) continue;
    // Shades of one colour differ in hue too: half of that difference keeps them alive without leaving the colour.
    const shade = (((hue - dominant.hue + 540) % 360) - 180) * 0.5;
    const pixel = toRgb(
      (target + shade + 720) % 360,
      Math.min(1, saturation * less),
      Math.min(1, value * lighter),
    );
    turned.set(pixel, i);
  }
  return turned;
}

/** Colours that would visibly change a drawing: all but those its own hue already has. */
export function otherColours(dominant: Dominant): ColourName[] {
  const own = nameOfColour(dominant);
  return colourNames.filter((name) => {
    const { hue, value, saturation } = colours[name].tint;
    const sameHue = hueDistance(hue, dominant.hue) < 26 && value > 0.7 && saturation > 0.2;
    return name !== own && !sameHue;
  });
}
