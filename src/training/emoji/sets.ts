/** @file The emoji sets that pictures come from: npm package, licence, and how captions name their look. */

/** One set of drawings. `englishStyle` and `russianStyle` are the words that ask for its look. */
export interface EmojiSet {
  readonly package: string;
  readonly prefix: string;
  readonly licence: "MIT" | "Apache-2.0";
  readonly englishStyle: string;
  readonly russianStyle: string;
}

/** Only sets under MIT or Apache-2.0: what a model that is passed on may learn from. */
export const emojiSets = {
  flat: {
    package: "@iconify-json/fluent-emoji-flat",
    prefix: "fluent-emoji-flat",
    licence: "MIT",
    englishStyle: "flat style",
    russianStyle: "плоский стиль",
  },
  noto: {
    package: "@iconify-json/noto",
    prefix: "noto",
    licence: "Apache-2.0",
    englishStyle: "noto style",
    russianStyle: "стиль ното",
  },
  blob: {
    package: "@iconify-json/noto-v1",
    prefix: "noto-v1",
    licence: "Apache-2.0",
    englishStyle: "blob style",
    russianStyle: "стиль блоб",
  },
  fx: {
    package: "@iconify-json/fxemoji",
    prefix: "fxemoji",
    licence: "Apache-2.0",
    englishStyle: "fx style",
    russianStyle: "стиль fx",
  },
} as const satisfies Record<string, EmojiSet>;

/** Short name of a set, as captions' style words use it. */
export type SetName = keyof typeof emojiSets;

/** All sets, in the order in which data sets list them. */
export const setNames = Object.keys(emojiSets) as readonly SetName[];
