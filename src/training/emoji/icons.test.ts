import { expect, test } from "vitest";
import { iconNamesByKey, iconOf, matchKey, svgOf, type IconFile } from "./icons.ts";
import { asymmetry, inkBox, onWhite, renderIcon } from "./render.node.ts";

/** Left half red, right half empty, in a view box that does not start at zero. */
const half = `<path fill="#f00" d="M10 20h8v16h-8z"/>`;
const file: IconFile = {
  width: 16,
  height: 16,
  icons: { "half-red": { body: half, left: 10, top: 20 } },
  aliases: {
    "half-right": { parent: "half-red", hFlip: true },
    "half-left": { parent: "half-red" },
  },
};
const whole = { scale: 2, x: 0, y: 0, mirrored: false };

test("labels and icon names meet whatever their spelling", () => {
  expect(matchKey("Piñata")).toBe(matchKey("pinata"));
  expect(matchKey("jack-o-lantern")).toBe(matchKey("jackolantern"));
  expect(matchKey("woman’s boot")).toBe(matchKey("womans-boot"));
  expect(iconNamesByKey(file).get(matchKey("Half red"))).toBe("half-red");
  expect(iconOf(file, "toString")).toBeUndefined();
});

test("a drawing fills where its path says, mirrored when asked or when the alias says so", async () => {
  const icon = iconOf(file, "half-red")!;
  const box = async (name: string, mirrored: boolean) =>
    inkBox(await renderIcon(iconOf(file, name)!, { ...whole, mirrored }, 32), 32);
  const left = { left: 0, top: 0, right: 16, bottom: 32 };
  const right = { left: 16, top: 0, right: 32, bottom: 32 };
  expect(await box("half-red", false)).toEqual(left);
  expect(await box("half-left", true)).toEqual(right);
  expect(await box("half-right", false)).toEqual(right);
  expect(await box("half-right", true)).toEqual(left);
  expect(svgOf(icon, whole, 32)).toContain('viewBox="10 20 16 16"');
  expect(asymmetry(onWhite(await renderIcon(icon, whole, 32)), 32)).toBeCloseTo((255 * 2) / 3, 5);
});

test("transparency is white, half of it half white, in planes", () => {
  const rgba = Uint8Array.from([255, 0, 0, 255, 0, 0, 0, 0, 0, 0, 200, 128]);
  expect([...onWhite(rgba)]).toEqual([255, 255, 127, 0, 255, 127, 0, 255, 227]);
});
