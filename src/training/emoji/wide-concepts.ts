/** @file The wider list of things: every emoji of a thing by rule, but for near twins, with names put right by hand. */
import type { Concept } from "./concepts.ts";
import { everydayNames } from "./everyday-names.ts";
import type { SetName } from "./sets.ts";

/** What the rule reads of an emoji. */
export interface Candidate {
  readonly label: string;
  readonly russian: string;
  /** Emojibase's group and subgroup numbers. */
  readonly group: number;
  readonly subgroup: number;
  /** Sets that have a drawing under this label. */
  readonly sets: readonly SetName[];
}

/** Animals, food, places and vehicles, activities, objects; of the faces only costumes (robot, alien, ghost). */
const groups = [3, 4, 5, 6, 7];
const costumes = 11;

/** Times of day, near twins and things that only differ in a detail of another one. */
const leftOut: readonly RegExp[] = [
  /o’clock|-thirty|not done|moon face|quarter moon|gibbous|waxing|waning|new moon/,
  /^(oncoming|low|linked|1st|3rd|guide|service|black) |broken|unlocked|locked with|slash/,
  /mailbox|tray|speaker|muted|banknote|globe|index|file folder|card file|bookmark|page|ledger/,
  /sun behind|sun with|cloud with lightning$|small cloud|airplane (dep|arr)|small airplane|sunrise over|at dusk/,
  /Japanese|Tokyo|shinto|kaaba|hindu|synagogue|Statue|love hotel|mount fuji|oden|dango|fish cake|rice cracker/,
  /suit$|mahjong|joker|flower playing|performing|prayer|nazar|hamsa|x-ray|petri|placard|identification/,
  /(blue|green|orange) book|green apple|chart|phone with|lady beetle|envelope with|incoming|e-mail|rolled-up/,
  /clinking|camera with|tilted right|with rain|on ground|closed umbrella|chipmunk|paw|microbe/,
  /two-hump|front-facing|hatching|heart|poo$|goblin|ogre|medal|coffin|urn|headstone|cigarette/,
  /railway car|light rail|^station|monorail|mountain railway|tram car|metro|trolleybus|minibus|suspension/,
  /cableway|tramway|bullet train|railway track|milky way|foggy|^fog$|night|bridge|cityscape|hot springs/,
  /bento|stuffed flatbread|tamale|curry|wedding|derelict|houses|brick|rock|wood|landslide|white flower|map of|snow-capped|horizontal|musical notes|hammer and|with garden|glowing|motor boat|viewing|streamer/,
  /wind chime|dolls|pine decoration|tanabata|ticket|sari|safety vest|lab coat|goggles|briefs|bikini|swimsuit/,
  /ballet|flat shoe|clutch|purse|notebook|spiral|tear-off|card divider|pager|fax|trackball|dvd|optical|disk/,
  /film|receipt|yen|lotion|oil drum|construction|barber|slot|level slider|control knobs|wheelchair/,
  /water buffalo|^(ox|goat|ewe|rat|boar|bug|train|tram|ship|ferry|herb|sake|wine|memo|watch|label)$/,
  /articulated|sport utility|racing|taxi$|office|store|hotel|bank$|hospital|school$|post |stadium|building/,
];

/** Drawings that show something else under the same name, or a scene around the thing. */
const wrongDrawings: Readonly<Record<string, readonly SetName[]>> = {
  cricket: ["blob"],
  "game die": ["fx"],
  sunglasses: ["fx"],
  window: ["fx"],
  keyboard: ["fx"],
  laptop: ["blob"],
  tent: ["fx"],
  volcano: ["fx"],
  bird: ["fx"],
  "leaf fluttering in wind": ["blob"],
};

/** Names that take no article though they end like one thing. */
const masses = new Set([
  "popcorn",
  "bacon",
  "sushi",
  "spaghetti",
  "butter",
  "sheet music",
  "lettuce",
]);

/** The first concepts, then every further thing that has drawings in at least `least` sets. */
export function wideConcepts(
  first: readonly Concept[],
  candidates: readonly Candidate[],
  least = 3,
): Concept[] {
  const taken = new Set(first.flatMap(({ label, en }) => [nounOf(label), en]));
  const further: Concept[] = [];
  for (const { label, russian, group, subgroup, sets } of candidates) {
    if (!groups.includes(group) && subgroup !== costumes) continue;
    const wrong = wrongDrawings[label] ?? [];
    if (sets.length - wrong.length < least || leftOut.some((rule) => rule.test(label))) continue;
    const [en, ru] = everydayNames[label] ?? [nounOf(label), russian];
    if (taken.has(nounOf(label)) || taken.has(en)) continue;
    taken.add(nounOf(label)).add(en);
    const several = /[^us]s$/.test(en) || masses.has(en);
    const icons = wrong.length > 0 && {
      icons: Object.fromEntries(wrong.map((set) => [set, null])),
    };
    further.push({ label, en, ru, ...icons, ...(several && { countability: "plural" as const }) });
  }
  return [...first, ...further];
}

/** A label without the part that only tells drawings of one thing apart. */
function nounOf(label: string): string {
  return label.replace(/ face$/, "");
}
