/** @file What a data-set folder says about its pictures: one record per picture, and the summary of the whole. */
import type { CaptionShares, ConceptWords } from "./captions.ts";
import type { Chance } from "./chance.ts";
import type { ColourName } from "./colours.ts";
import type { Placement } from "./icons.ts";
import type { SetName } from "./sets.ts";

/** Picture k of the images file: what it shows and how it was drawn. */
export interface PictureRecord {
  /** Index into the data set's concepts. */
  readonly concept: number;
  readonly set: SetName;
  readonly icon: string;
  /** 0 is the drawing centred; the others are shifted, scaled or mirrored a little. */
  readonly variant: number;
  /** The colour it was turned to, or null for the drawing's own. */
  readonly colour: ColourName | null;
  readonly ownColour: ColourName | null;
  readonly placement: Placement;
  /** First 16 hexadecimal digits of SHA-256 of the picture's bytes: ties the record to its picture. */
  readonly sha256: string;
}

/** One thing of a data set. */
export interface ConceptRecord {
  readonly hexcode: string;
  readonly words: ConceptWords;
}

/** `items.json`. */
export interface DatasetIndex {
  readonly size: number;
  readonly concepts: readonly ConceptRecord[];
  readonly items: readonly PictureRecord[];
}

/** How recoloured pictures are added: colours per drawing, variants of each, share of pairs never shown. */
export interface RecolourPlan {
  readonly colours: number;
  readonly variants: number;
  readonly heldOut: number;
}

/** What a build follows beside its lists of concepts and sets. */
export interface BuildSettings {
  readonly seed: number;
  readonly size: number;
  readonly variants: number;
  readonly recolour: RecolourPlan | null;
}

/** `summary.json`: enough to make the same data set again and to see that it is the same. */
export interface DatasetSummary extends BuildSettings {
  readonly counts: {
    readonly concepts: number;
    readonly drawings: number;
    readonly pictures: number;
    readonly recoloured: number;
    readonly bySet: Readonly<Partial<Record<SetName, number>>>;
  };
  /** Pairs of concept and colour that were left out on purpose, to test with. */
  readonly heldOut: readonly (readonly [string, ColourName])[];
  readonly sources: readonly {
    readonly package: string;
    readonly version: string;
    readonly licence: string;
  }[];
  /** SHA-256 over all picture bytes, then the text of `items.json`. */
  readonly sha256: string;
}

/** An opened data set; pictures are [3, size, size] u8 planes R, G, B. */
export interface Dataset extends Disposable {
  readonly count: number;
  readonly size: number;
  readonly concepts: readonly ConceptRecord[];
  item(index: number): PictureRecord;
  picture(index: number): Uint8Array;
  /** A caption of picture `index`, drawn anew from `draw`. */
  caption(index: number, draw: Chance, shares?: CaptionShares): string;
}
