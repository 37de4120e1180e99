/** @file Decides which pictures of a concept are made: its sets, variants and colours, all drawn from the seed. */
import { chance, pickSome } from "./chance.ts";
import { colourNames, type ColourName } from "./colours.ts";
import { measureDrawing, varyPlacement, type MeasuredDrawing } from "./drawings.node.ts";
import { otherColours } from "./recolour.ts";
import type { BuildSettings, PictureRecord } from "./records.ts";
import { setNames } from "./sets.ts";
import type { MatchedConcept } from "./sources.node.ts";

/** One picture to make. */
export interface PicturePlan {
  readonly record: Omit<PictureRecord, "sha256">;
  readonly drawing: MeasuredDrawing;
}

/** A first word for each path of chance, so that no two decisions share their numbers. */
const purpose = { variant: 1, colours: 2, heldOut: 3 } as const;

/** Draws depend on what is drawn and not on its place in a list: adding a concept leaves the others as they were. */
const conceptKey = (hexcode: string): number => parseInt(hexcode, 16);

/** What is made of one concept, and the colours that it could have but is not shown in. */
export interface ConceptPlan {
  readonly pictures: readonly PicturePlan[];
  readonly heldOut: readonly ColourName[];
}

/** The pictures of one concept, set by set: its own colour first, then those it is turned to. */
export async function planPictures(
  matched: MatchedConcept,
  concept: number,
  settings: BuildSettings,
): Promise<ConceptPlan> {
  const { seed, size, variants, recolour } = settings;
  const key = conceptKey(matched.hexcode);
  const pictures: PicturePlan[] = [];
  const heldOut = new Set<ColourName>();
  for (const { set, name, icon } of matched.drawings) {
    const drawing = await measureDrawing(icon, size);
    const setKey = setNames.indexOf(set);
    const ownColour = matched.recolourable ? drawing.ownColour : null;
    const add = (colour: ColourName | null, total: number) => {
      for (let variant = 0; variant < total; variant++) {
        const colourKey = colour === null ? -1 : colourNames.indexOf(colour);
        const draw = chance(seed, purpose.variant, key, setKey, colourKey, variant);
        const placement = variant === 0 ? drawing.placement : varyPlacement(draw, drawing);
        const record = { concept, set, icon: name, variant, colour, ownColour, placement };
        pictures.push({ record, drawing });
      }
    };
    add(null, variants);
    if (recolour === null || drawing.dominant === null || !matched.recolourable) continue;
    const possible = otherColours(drawing.dominant);
    for (const colour of possible) if (isHeldOut(key, colour, settings)) heldOut.add(colour);
    const allowed = possible.filter((colour) => !heldOut.has(colour));
    const draw = chance(seed, purpose.colours, key, setKey);
    for (const colour of pickSome(draw, allowed, recolour.colours)) add(colour, recolour.variants);
  }
  return { pictures, heldOut: [...heldOut] };
}

/** Decided for a thing and a colour together, so that no set shows the pair. */
function isHeldOut(key: number, colour: ColourName, { seed, recolour }: BuildSettings): boolean {
  const draw = chance(seed, purpose.heldOut, key, colourNames.indexOf(colour));
  return recolour !== null && draw() < recolour.heldOut;
}
