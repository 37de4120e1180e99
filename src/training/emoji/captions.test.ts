import { expect, test } from "vitest";
import { captionShares, drawCaption, indefiniteArticle, promptFor } from "./captions.ts";
import { chance } from "./chance.ts";
import { russianColour, withoutColour } from "./colours.ts";
import { agreementOf } from "./russian.ts";

const apple = {
  en: "red apple",
  ru: "красное яблоко",
  also: [],
  alsoRu: [],
  countability: "count",
  tags: ["ripe", "red", "fruit", "diet"],
  tagsRu: ["фрукт", "зрелое", "красное"],
} as const;
const plain = { words: apple, set: "flat", colour: null, ownColour: "red" } as const;
const blue = { ...plain, colour: "blue" } as const;
const always = { empty: 0, russian: 0, style: 1, tags: 0, otherName: 0, ownColour: 0 };
const captions = (subject: Parameters<typeof drawCaption>[1], shares = captionShares) =>
  Array.from({ length: 4000 }, (_, k) => drawCaption(chance(7, k), subject, shares));

test("articles follow the sound and the countability", () => {
  const spoken = { apple: "an", umbrella: "an", unicorn: "a", "orange car": "an", "t-shirt": "a" };
  for (const [phrase, article] of Object.entries(spoken))
    expect(indefiniteArticle(phrase)).toBe(article);
  expect(promptFor(apple)).toBe("a red apple");
  expect(promptFor(apple, "orange")).toBe("an orange apple");
  expect(promptFor({ ...apple, en: "cherries", countability: "plural" })).toBe("cherries");
  expect(promptFor({ ...apple, en: "sun", countability: "unique" })).toBe("the sun");
});

test("a name's own colour gives way to the new one, in both languages", () => {
  expect(withoutColour("красное яблоко")).toBe("яблоко");
  expect(withoutColour("orange")).toBe("orange");
  const english = new Set(captions(blue, always));
  expect(english).toEqual(new Set(["a blue apple, flat style", "blue apple, flat style"]));
  const russian = new Set(captions(blue, { ...always, russian: 1, style: 0 }));
  expect(russian).toEqual(new Set(["синее яблоко"]));
  for (const caption of captions(blue)) expect(caption).not.toMatch(/\bred\b|красн/);
});

test("adjectives agree with their nouns", () => {
  const known = {
    машина: "красная",
    дом: "красный",
    сердце: "красное",
    джинсы: "красные",
    якорь: "красный",
    морковь: "красная",
    привидение: "красное",
    "воздушный шарик": "красный",
    "земной шар": "красный",
    "божья коровка": "красная",
    "хот-дог": "красный",
  };
  for (const [noun, adjective] of Object.entries(known))
    expect(`${russianColour("red", agreementOf(noun))} ${noun}`).toBe(`${adjective} ${noun}`);
  expect(russianColour("blue", "feminine")).toBe("синяя");
  expect(russianColour("light blue", "masculine")).toBe("голубой");
});

test("shares are met and draws repeat", () => {
  const drawn = captions(plain);
  const share = (test: (caption: string) => boolean) => drawn.filter(test).length / drawn.length;
  // Standard deviation of a share over 4000 draws is below 0.008: four of them.
  expect(Math.abs(share((c) => c === "") - captionShares.empty)).toBeLessThan(0.03);
  expect(Math.abs(share((c) => /[а-я]/.test(c)) - 0.9 * captionShares.russian)).toBeLessThan(0.03);
  const styled = share((c) => /flat style|плоский стиль/.test(c));
  expect(Math.abs(styled - 0.9 * captionShares.style)).toBeLessThan(0.03);
  expect(captions(plain)).toEqual(drawn);
  expect(drawn).toContain("a red apple");
  expect(drawn).toContain("красное яблоко, плоский стиль");
});
