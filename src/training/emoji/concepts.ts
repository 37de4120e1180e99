/** @file The first hundred things: clearly distinct, easily named, drawn alike enough in at least three sets. */
import type { SetName } from "./sets.ts";

/** How English refers to it: one of many, one of a kind (the sun), or several at once. */
export type Countability = "count" | "unique" | "plural";

/** A thing with its names and where its drawings are. */
export interface Concept {
  /** English label in emojibase: finds hexcode, tags and icons. */
  readonly label: string;
  /** The name that captions use. */
  readonly en: string;
  readonly ru: string;
  /** Other names, used in a few captions. */
  readonly also?: readonly string[];
  readonly alsoRu?: readonly string[];
  readonly countability?: Countability;
  /** Icon names where the label does not find the right drawing; null leaves the set out. */
  readonly icons?: Partial<Readonly<Record<SetName, string | null>>>;
}

const noFx = { fx: null } as const;

/** What the first model knows. */
export const firstConcepts: readonly Concept[] = [
  { label: "red apple", en: "red apple", ru: "красное яблоко" },
  { label: "banana", en: "banana", ru: "банан", icons: noFx },
  { label: "grapes", en: "grapes", ru: "виноград", countability: "plural" },
  { label: "watermelon", en: "watermelon", ru: "арбуз" },
  { label: "lemon", en: "lemon", ru: "лимон" },
  { label: "pineapple", en: "pineapple", ru: "ананас" },
  { label: "pear", en: "pear", ru: "груша" },
  { label: "strawberry", en: "strawberry", ru: "клубника" },
  { label: "cherries", en: "cherries", ru: "вишня", countability: "plural" },
  { label: "carrot", en: "carrot", ru: "морковь", alsoRu: ["морковка"] },
  {
    label: "eggplant",
    en: "eggplant",
    ru: "баклажан",
    also: ["aubergine"],
    icons: { fx: "aubergine" },
  },
  { label: "mushroom", en: "mushroom", ru: "гриб" },
  {
    label: "pizza",
    en: "pizza",
    ru: "пицца",
    also: ["slice of pizza"],
    icons: { fx: "sliceofpizza" },
  },
  { label: "hamburger", en: "hamburger", ru: "гамбургер", also: ["burger"] },
  { label: "french fries", en: "french fries", ru: "картофель фри", countability: "plural" },
  { label: "doughnut", en: "doughnut", ru: "пончик", also: ["donut"] },
  { label: "soft ice cream", en: "ice cream", ru: "мороженое", also: ["ice cream cone"] },
  { label: "birthday cake", en: "birthday cake", ru: "торт", also: ["cake"] },
  { label: "cheese wedge", en: "piece of cheese", ru: "сыр", also: ["cheese"] },
  { label: "beer mug", en: "mug of beer", ru: "кружка пива", also: ["beer mug", "beer"] },
  { label: "hot beverage", en: "cup of coffee", ru: "чашка кофе", also: ["coffee"] },
  { label: "cat face", en: "cat", ru: "кошка", alsoRu: ["кот"], icons: { fx: "cat" } },
  { label: "dog face", en: "dog", ru: "собака", icons: { fx: "dog" } },
  { label: "pig face", en: "pig", ru: "свинья", icons: { fx: "pig" } },
  { label: "monkey face", en: "monkey", ru: "обезьяна" },
  { label: "lion", en: "lion", ru: "лев" },
  { label: "panda", en: "panda", ru: "панда", icons: { fx: "pandaface" } },
  { label: "rabbit face", en: "rabbit", ru: "кролик", also: ["bunny"], icons: { fx: "bunny" } },
  { label: "fox", en: "fox", ru: "лиса" },
  { label: "frog", en: "frog", ru: "лягушка" },
  { label: "elephant", en: "elephant", ru: "слон" },
  { label: "penguin", en: "penguin", ru: "пингвин" },
  { label: "owl", en: "owl", ru: "сова" },
  { label: "baby chick", en: "chick", ru: "цыплёнок", icons: noFx },
  { label: "fish", en: "fish", ru: "рыба" },
  { label: "spouting whale", en: "whale", ru: "кит", icons: { fx: "spurtingwhale" } },
  { label: "octopus", en: "octopus", ru: "осьминог" },
  { label: "snail", en: "snail", ru: "улитка" },
  { label: "butterfly", en: "butterfly", ru: "бабочка" },
  { label: "honeybee", en: "bee", ru: "пчела", also: ["honeybee"] },
  { label: "lady beetle", en: "ladybug", ru: "божья коровка", also: ["ladybird"] },
  { label: "spider", en: "spider", ru: "паук" },
  { label: "turtle", en: "turtle", ru: "черепаха" },
  { label: "deciduous tree", en: "tree", ru: "дерево" },
  { label: "evergreen tree", en: "fir tree", ru: "ёлка", icons: { fx: "evergreen" } },
  { label: "palm tree", en: "palm tree", ru: "пальма", also: ["palm"] },
  { label: "cactus", en: "cactus", ru: "кактус" },
  { label: "sunflower", en: "sunflower", ru: "подсолнух" },
  { label: "rose", en: "rose", ru: "роза", icons: { blob: null } },
  { label: "cherry blossom", en: "flower", ru: "цветок", also: ["cherry blossom"] },
  { label: "four leaf clover", en: "four-leaf clover", ru: "клевер", also: ["clover"] },
  { label: "maple leaf", en: "maple leaf", ru: "кленовый лист" },
  { label: "sun", en: "sun", ru: "солнце", countability: "unique", icons: { fx: "sunrays" } },
  {
    label: "crescent moon",
    en: "moon",
    ru: "луна",
    also: ["crescent moon"],
    alsoRu: ["месяц"],
    countability: "unique",
  },
  { label: "star", en: "star", ru: "звезда", icons: noFx },
  { label: "cloud", en: "cloud", ru: "облако" },
  { label: "rainbow", en: "rainbow", ru: "радуга" },
  { label: "snowflake", en: "snowflake", ru: "снежинка" },
  { label: "fire", en: "fire", ru: "огонь", also: ["flame"] },
  { label: "droplet", en: "drop of water", ru: "капля", also: ["droplet"] },
  { label: "umbrella", en: "umbrella", ru: "зонт", icons: noFx },
  { label: "high voltage", en: "lightning bolt", ru: "молния", also: ["lightning"] },
  {
    label: "globe showing Europe-Africa",
    en: "globe",
    ru: "земной шар",
    also: ["planet earth"],
    alsoRu: ["глобус"],
    icons: { fx: "europeafricaglobe" },
  },
  { label: "snowman without snow", en: "snowman", ru: "снеговик" },
  { label: "automobile", en: "car", ru: "машина", also: ["automobile"], alsoRu: ["автомобиль"] },
  { label: "bus", en: "bus", ru: "автобус" },
  { label: "airplane", en: "airplane", ru: "самолёт", also: ["plane"] },
  { label: "rocket", en: "rocket", ru: "ракета" },
  { label: "sailboat", en: "sailboat", ru: "парусник", icons: noFx },
  { label: "vertical traffic light", en: "traffic light", ru: "светофор" },
  { label: "house", en: "house", ru: "дом", icons: { fx: "housebuilding" } },
  { label: "castle", en: "castle", ru: "замок", icons: { fx: "europeancastle" } },
  { label: "red heart", en: "heart", ru: "сердце", also: ["red heart"] },
  { label: "key", en: "key", ru: "ключ" },
  { label: "closed book", en: "book", ru: "книга" },
  { label: "guitar", en: "guitar", ru: "гитара" },
  { label: "bell", en: "bell", ru: "колокольчик" },
  { label: "balloon", en: "balloon", ru: "воздушный шарик" },
  { label: "wrapped gift", en: "gift", ru: "подарок", also: ["present"], icons: { fx: "present" } },
  { label: "crown", en: "crown", ru: "корона" },
  { label: "gem stone", en: "diamond", ru: "бриллиант", also: ["gem"], icons: { fx: "gem" } },
  { label: "trophy", en: "trophy", ru: "кубок" },
  { label: "soccer ball", en: "soccer ball", ru: "футбольный мяч", also: ["football"] },
  { label: "light bulb", en: "light bulb", ru: "лампочка" },
  { label: "hammer", en: "hammer", ru: "молоток" },
  { label: "pencil", en: "pencil", ru: "карандаш" },
  { label: "camera", en: "camera", ru: "фотоаппарат" },
  { label: "television", en: "television", ru: "телевизор", also: ["TV"] },
  { label: "alarm clock", en: "alarm clock", ru: "будильник", also: ["clock"] },
  { label: "anchor", en: "anchor", ru: "якорь" },
  { label: "locked", en: "padlock", ru: "навесной замок", also: ["lock"], icons: { fx: "lock" } },
  { label: "envelope", en: "envelope", ru: "конверт" },
  {
    label: "magnifying glass tilted left",
    en: "magnifying glass",
    ru: "лупа",
    icons: { fx: "leftmagnifyingglass" },
  },
  { label: "t-shirt", en: "t-shirt", ru: "футболка" },
  { label: "dress", en: "dress", ru: "платье" },
  { label: "jeans", en: "jeans", ru: "джинсы", countability: "plural" },
  { label: "top hat", en: "top hat", ru: "цилиндр", alsoRu: ["шляпа"] },
  { label: "bomb", en: "bomb", ru: "бомба" },
  { label: "jack-o-lantern", en: "jack-o-lantern", ru: "тыква", also: ["halloween pumpkin"] },
  { label: "ghost", en: "ghost", ru: "привидение" },
];
