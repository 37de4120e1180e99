/** @file Which words are a command, and which are drawn. */
import { expect, test } from "vitest";
import { wantedBy } from "./commands.ts";
import { slipIn } from "./slips.ts";

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

test.each<[words: string[], name: string, rest: string[]]>([
  [["--json", "info", "x.png"], "info", ["--json", "x.png"]],
  [["--debug", "--json", "doctor"], "doctor", ["--debug", "--json"]],
  [["--json", "--help", "train"], "train", ["--json", "--help"]],
  [["--steps", "4", "generate", "a cat"], "generate", ["--steps", "4", "a cat"]],
  [["--steps", "4", "a cat"], "generate", ["--steps", "4", "a cat"]],
  [["--out", "train", "a cat"], "generate", ["--out", "train", "a cat"]],
  [["--seed=4", "--", "info"], "generate", ["--seed=4", "--", "info"]],
])("options before what they belong to: %j", (words, name, rest) => {
  expect(wantedBy(words)).toEqual({ name, words: rest });
});

test("a command after options that are not its own is refused, with both ways out", () => {
  for (const words of [
    ["--seed=4", "train", "x.ts"],
    ["--threads", "2", "info"],
  ])
    expect(() => wantedBy(words)).toThrow(/^command: the options of (train|info) come after it$/);
  expect(() => wantedBy(["--json", "studio"])).toThrow('"studio" is not in this version');
});

test("a first word one slip away from a command is noticed, a prompt is not", () => {
  const slips = ["docter", "trian", "generat"].map((word) => slipIn([word]));
  expect(slips).toEqual(["doctor", "train", "generate"]);
  for (const word of ["a red apple", "cat", "красное", "train"]) expect(slipIn([word])).toBe(null);
});

test.each([
  ["trian package.json", "train"],
  ["trian --keep-every 5 nowhere.ts", "train"],
  ["--json Train package.json", "train"],
  ["inof tests", "info"],
  ["docter --json", "doctor"],
  ["model list", "models"],
  ["engine install openvino", "engines"],
  ["engins --dry-run", "engines"],
  ["bensh --seconds=5", "bench"],
])("%s is refused, with both ways out", (line, command) => {
  const words = line.split(" ");
  const plain = line.replace("--json Tr", "Tr");
  expect(() => slipIn(words)).toThrow(
    expect.objectContaining({
      message: `command: there is no "${plain.split(" ")[0]}"; did you mean ${command}?`,
      hint: `limn ${plain.replace(/^\w+/, command)}; to draw it: limn generate "${plain}"`,
    }) as Error,
  );
});

test("a mistyped generate before a prompt in quotes is refused", () => {
  expect(() => slipIn(["genrate", "a red apple", "--steps", "4"])).toThrow('there is no "genrate"');
});

test.each(["brain on a table", "brain --threads 2", "into the wild", "bunch of grapes --seed 1"])(
  "%s is drawn",
  (line) => {
    expect(() => slipIn(line.split(" "))).not.toThrow();
  },
);
