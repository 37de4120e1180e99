import { expect, test } from "vitest";
import { dominantColour, hueDistance, nameOfColour, otherColours, recolour } from "./recolour.ts";

type Rgb = readonly [number, number, number];
const red: Rgb = [220, 30, 30];
const leaf: Rgb = [40, 180, 60];

/** A picture of so many pixels of each colour, opaque. */
const picture = (...parts: readonly (readonly [Rgb, number])[]) =>
  Uint8Array.from(
    parts.flatMap(([rgb, count]) => Array.from({ length: count }, () => [...rgb, 255]).flat()),
  );
const pixel = (rgba: Uint8Array, index: number) => [...rgba.slice(4 * index, 4 * index + 3)];

test("a colour dominates from 72 % of the coloured and 40 % of all pixels", () => {
  expect(dominantColour(picture([red, 80], [leaf, 20]))?.hue).toBeCloseTo(0, 5);
  expect(dominantColour(picture([red, 60], [leaf, 40]))).toBeNull();
  expect(dominantColour(picture([red, 45], [[250, 250, 250], 55]))).not.toBeNull();
  expect(dominantColour(picture([red, 35], [[250, 250, 250], 65]))).toBeNull();
  expect(dominantColour(picture([[128, 128, 128], 50]))).toBeNull();
});

test("hues either side of red are one colour", () => {
  const hue = dominantColour(picture([[220, 30, 50], 50], [[220, 50, 30], 50]))?.hue;
  expect(hueDistance(hue ?? 180, 0)).toBeLessThan(1);
});

test("only the dominant hue turns; other hues, greys and alpha stay", () => {
  const before = picture([red, 80], [leaf, 19], [[240, 240, 240], 1]);
  const dominant = dominantColour(before)!;
  const after = recolour(before, dominant, "blue");
  // Hue 220 with the saturation and value of `red`, by hand: max 220, min 30, green at 1/3 of the way.
  expect(pixel(after, 0)).toEqual([30, 93, 220]);
  expect(pixel(after, 85)).toEqual([...leaf]);
  expect(pixel(after, 99)).toEqual([240, 240, 240]);
  expect(after.filter((_, i) => i % 4 === 3).every((alpha) => alpha === 255)).toBe(true);
  expect(pixel(before, 0)).toEqual([...red]);
  const [r, g, b] = pixel(recolour(before, dominant, "black"), 0);
  expect(Math.max(r, g, b)).toBeLessThan(80);
});

test("own colours have the words people use, and are not offered again", () => {
  const name = (rgb: Rgb) => nameOfColour(dominantColour(picture([rgb, 10]))!);
  expect(name(red)).toBe("red");
  expect(name([250, 210, 40])).toBe("yellow");
  expect(name(leaf)).toBe("green");
  expect(name([40, 90, 220])).toBe("blue");
  expect(name([120, 70, 40])).toBe("brown");
  expect(otherColours(dominantColour(picture([red, 10]))!)).not.toContain("red");
  expect(otherColours(dominantColour(picture([red, 10]))!)).toContain("brown");
});
