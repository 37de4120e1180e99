/** @file One drawing measured, and one picture of it made: the only place where records become pixels. */
import { assert } from "../../base/index.ts";
import type { Chance } from "./chance.ts";
import type { ColourName } from "./colours.ts";
import type { Icon, Placement } from "./icons.ts";
import { dominantColour, nameOfColour, recolour, type Dominant } from "./recolour.ts";
import { asymmetry, fitIcon, onWhite, renderIcon } from "./render.node.ts";

/** Share of the picture that a centred drawing's longer side takes. */
const fill = 0.875;
/** Mean difference to the mirror image (of 255) below which a thing counts as symmetric. */
const symmetricBelow = 5;

/** What is known about a drawing before pictures are made of it. */
export interface MeasuredDrawing {
  readonly icon: Icon;
  readonly size: number;
  readonly placement: Placement;
  readonly dominant: Dominant | null;
  readonly ownColour: ColourName | null;
  readonly symmetric: boolean;
}

/** Fits a drawing to the picture and finds its dominant colour and symmetry. */
export async function measureDrawing(icon: Icon, size: number): Promise<MeasuredDrawing> {
  const placement = await fitIcon(icon, size, fill);
  const rgba = await renderIcon(icon, placement, size);
  const dominant = dominantColour(rgba);
  return {
    icon,
    size,
    placement,
    dominant,
    ownColour: dominant && nameOfColour(dominant),
    symmetric: asymmetry(onWhite(rgba), size) < symmetricBelow,
  };
}

/** Moves a placement by up to 4 % of the picture, scales it by 0.92–1.04, mirrors only what is symmetric. */
export function varyPlacement(draw: Chance, drawing: MeasuredDrawing): Placement {
  const { placement, size, symmetric } = drawing;
  const factor = 0.92 + 0.12 * draw();
  const shift = () => (draw() - 0.5) * 0.08 * size;
  const along = (start: number) => rounded(size / 2 + factor * (start - size / 2) + shift(), 2);
  return {
    scale: rounded(placement.scale * factor, 5),
    x: along(placement.x),
    y: along(placement.y),
    mirrored: symmetric && draw() < 0.5,
  };
}

/** Numbers are cut to what `items.json` should hold, so that a record makes its picture exactly. */
function rounded(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}

/** The picture of a drawing at a placement in a colour (null: its own): [3, size, size] u8, on white. */
export async function drawPicture(
  drawing: MeasuredDrawing,
  placement: Placement,
  colour: ColourName | null,
): Promise<Uint8Array> {
  const rgba = await renderIcon(drawing.icon, placement, drawing.size);
  if (colour === null) return onWhite(rgba);
  assert(drawing.dominant !== null, "a drawing without dominant colour was to be recoloured");
  return onWhite(recolour(rgba, drawing.dominant, colour));
}
