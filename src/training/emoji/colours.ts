/** @file The twelve colours of recoloured pictures: their words, and how a dominant hue becomes each of them. */

/** Grammatical form of a Russian adjective. */
export type Agreement = "masculine" | "feminine" | "neuter" | "plural";

/** What happens to pixels of the dominant hue: new hue in degrees, factors for HSV saturation and value. */
export interface Tint {
  readonly hue: number;
  readonly saturation: number;
  readonly value: number;
}

interface Colour {
  /** Masculine, feminine, neuter, plural. */
  readonly ru: readonly [string, string, string, string];
  readonly tint: Tint;
}

const tint = (hue: number, saturation = 1, value = 1): Tint => ({ hue, saturation, value });
const hard = (stem: string): Colour["ru"] => [`${stem}ый`, `${stem}ая`, `${stem}ое`, `${stem}ые`];

/** Colours by English name. */
export const colours = {
  red: { ru: hard("красн"), tint: tint(2) },
  orange: { ru: hard("оранжев"), tint: tint(28, 1, 1.1) },
  yellow: { ru: hard("жёлт"), tint: tint(50, 1, 1.1) },
  green: { ru: hard("зелён"), tint: tint(125, 0.9, 0.9) },
  turquoise: { ru: hard("бирюзов"), tint: tint(174, 0.9, 0.95) },
  "light blue": { ru: ["голубой", "голубая", "голубое", "голубые"], tint: tint(200, 0.65, 1.1) },
  blue: { ru: ["синий", "синяя", "синее", "синие"], tint: tint(220) },
  purple: { ru: hard("фиолетов"), tint: tint(276, 0.9, 0.9) },
  pink: { ru: hard("розов"), tint: tint(332, 0.62, 1.1) },
  brown: { ru: hard("коричнев"), tint: tint(22, 0.75, 0.58) },
  gray: { ru: hard("сер"), tint: tint(210, 0.07, 0.8) },
  black: { ru: hard("чёрн"), tint: tint(220, 0.15, 0.3) },
} as const satisfies Record<string, Colour>;

/** English name of a colour. */
export type ColourName = keyof typeof colours;

/** All colours, in the order of the table. */
export const colourNames = Object.keys(colours) as readonly ColourName[];

const forms: readonly Agreement[] = ["masculine", "feminine", "neuter", "plural"];

/** The Russian adjective in the form that agrees with its noun. */
export function russianColour(colour: ColourName, agreement: Agreement): string {
  return colours[colour].ru[forms.indexOf(agreement)];
}

const englishColourWords = new Set(
  [...colourNames, "grey", "white", "golden", "light", "dark"].flatMap((name) => name.split(" ")),
);
const russianColourWords = new Set(
  [...colourNames.map((name) => colours[name].ru), hard("бел"), hard("ал"), hard("золот")]
    .flat()
    .map((word) => word.replaceAll("ё", "е")),
);

/** Whether a word of either language names a colour. */
export function isColourWord(word: string): boolean {
  const plain = word.toLowerCase().replaceAll("ё", "е");
  return englishColourWords.has(plain) || russianColourWords.has(plain);
}

/** A name without its own colour words ("red apple" → "apple"); a name of nothing else stays whole. */
export function withoutColour(name: string): string {
  const words = name.split(" ").filter((word) => !isColourWord(word));
  return words.length === 0 ? name : words.join(" ");
}
