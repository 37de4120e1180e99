/** @file Which words are a command, and which are drawn. */
import { expect, test } from "vitest";
import { slipOf, wantedBy } from "./commands.ts";

test.each<[words: string[], name: string | null, rest: string[]]>([
  [[], null, []],
  [["--help"], null, ["--help"]],
  [["help"], null, []],
  [["help", "train"], "train", ["--help"]],
  [["train", "a.ts"], "train", ["a.ts"]],
  [["generate", "serve"], "generate", ["serve"]],
  [["a red apple", "--steps", "4"], "generate", ["a red apple", "--steps", "4"]],
  [["toString"], "generate", ["toString"]],
])("%j", (words, name, rest) => {
  expect(wantedBy(words)).toEqual({ name, words: rest });
});

test.each(["studio", "serve"])("%s is kept for a command", (name) => {
  expect(() => wantedBy([name, "--port", "1"])).toThrow(
    `command: "${name}" is not in this version of limn`,
  );
});

test("help of a command that is none names those that are", () => {
  expect(() => wantedBy(["help", "me"])).toThrow('help: there is no command "me"');
});

test("a first word one slip away from a command is noticed, a prompt is not", () => {
  expect(["docter", "trian", "generat"].map((word) => slipOf([word]))).toEqual([
    "doctor",
    "train",
    "generate",
  ]);
  expect(["a red apple", "cat", "красное", "train"].map((word) => slipOf([word]))).toEqual([
    null,
    null,
    null,
    null,
  ]);
});
