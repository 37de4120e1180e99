/** @file What the command line refuses: one sentence, an exit code, and nothing left behind. */
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { beforeAll, expect, test } from "vitest";
import {
  buildIfStale,
  freshFolder,
  goldenModel,
  limn,
  beginWithoutOwnEngines,
} from "./reference/built-cli.ts";

const sd1 = goldenModel("sd1");
const quick = ["--model", sd1, "--steps", "2", "--width", "32", "--height", "32"];

beforeAll(() => buildIfStale(), 120_000);
beginWithoutOwnEngines();

const cases: [string, string[], number, RegExp][] = [
  ["a typo in an option", ["a cat", "--stpes", "4"], 2, /unknown option '--stpes'.*--steps/],
  [
    "no number",
    ["a cat", "--steps", "many"],
    2,
    /steps: must be a whole number from 1, got "many"/,
  ],
  [
    "a seed beyond all",
    ["a cat", ...quick, "--seed", "9007199254740993"],
    2,
    /seed: must be a whole number from 0 to 9007199254740991, or -1 to draw one, got "9007199254740993"/,
  ],
  [
    "a seed below none",
    ["a cat", ...quick, "--seed", "-2"],
    2,
    /seed: must be .* from 0 to 9007199254740991, or -1 to draw one, got "-2"/,
  ],
  ["nothing to draw", ["generate", "--model", sd1], 2, /nothing to draw.*limn "a red apple"/],
  [
    "an unknown model",
    ["a cat", "--model", "nowhere"],
    2,
    /neither a model nor a folder called "nowhere"/,
  ],
  ["a folder that is no model", ["a cat", "--model", "."], 2, /has no model_index\.json/],
  [
    "an unknown sampler",
    ["a cat", ...quick, "--sampler", "Oiler"],
    2,
    /no "Oiler".*DDIM.*did you mean Euler\?/,
  ],
  [
    "an unknown schedule",
    ["a cat", ...quick, "--schedule", "carras"],
    2,
    /no "carras".*did you mean Karras\?/,
  ],
  [
    "a size off the grid",
    ["a cat", ...quick, "--width", "33"],
    2,
    /width: must be a multiple of 4.*32 and 36/,
  ],
  [
    "another engine",
    ["a cat", ...quick, "--engine", "abacus"],
    2,
    /engine: must be auto or ort or openvino or wasm, got "abacus"/,
  ],
  [
    "another precision",
    ["a cat", ...quick, "--engine", "ort", "--precision", "bf16"],
    2,
    /precision: the engine ort computes in f32 on this machine, not in bf16/,
  ],
  ["another file type", ["a cat", ...quick, "--out", "a.bmp"], 2, /limn writes \.png files/],
  ["a missing list", ["--prompts", "none.txt", ...quick], 2, /there is no file none\.txt/],
  [
    "missing noise",
    ["a cat", ...quick, "--latents", "none.safetensors"],
    2,
    /latents: there is no file none\.safetensors that can be read \(it needs a \.safetensors file/,
  ],
  [
    "a mistyped command",
    ["trian", resolve("package.json")],
    2,
    /there is no "trian"; did you mean train\? \(limn train .*; to draw it: limn generate "trian /,
  ],
  ["a picture that is none", ["info", "none.png"], 1, /none\.png does not exist/],
  [
    "a file that says nothing of itself",
    ["info", resolve("package.json")],
    1,
    /package\.json is not a picture \(limn info takes a picture .*\.safetensors file, a model's folder or its name\)/,
  ],
  [
    "more threads than the machine has a use for",
    ["a cat", ...quick, "--threads", "100000"],
    2,
    /threads: must be a whole number from 1 to \d+, for this machine has \d+ processors?, got 100000/,
  ],
  [
    "a place that cannot be",
    ["a cat", ...quick, "--out", "/dev/null/a.png"],
    2,
    /out: cannot write into \/dev\/null: a file has that name/,
  ],
  ["latents into a folder", ["a cat", ...quick, "--save-latents", "."], 2, /\. is a folder/],
  ["a command to come", ["serve"], 2, /"serve" is not in this version.*limn generate serve/],
  ["models that cannot be installed yet", ["models", "install", "x"], 2, /only list/],
  ["a list of something", ["models", "list", "x"], 2, /list needs no more words, got x/],
  ["training without a recipe", ["train"], 2, /needs a recipe.*limn generate train/],
  ["a recipe that is none", ["train", "none.ts"], 2, /none\.ts is not a file.*recipes\/ddpm\.ts/],
  [
    "a recipe of another kind",
    ["train", resolve("package.json")],
    2,
    /package\.json is none by its name.*a recipe is a TypeScript or JavaScript file/,
  ],
];
test.each(cases)("%s", async (_, words, exitCode, message) => {
  const folder = freshFolder();
  const { code, stdout, stderr } = await limn(folder, ...words);
  expect(stderr).toMatch(message);
  expect([code, stdout]).toEqual([exitCode, ""]);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  expect(readdirSync(folder)).toEqual([]);
});

test("--json says it as an object, --debug adds where", async () => {
  const folder = freshFolder();
  const { code, stdout, stderr } = await limn(
    folder,
    "a cat",
    ...quick,
    "--width",
    "33",
    "--json",
    "--debug",
  );
  expect([code, (JSON.parse(stdout) as { error: unknown }).error]).toEqual([
    2,
    {
      code: "request",
      message: "width: must be a multiple of 4 for this model, got 33",
      hint: "32 and 36 are possible",
    },
  ]);
  expect(stderr).toMatch(/RequestError: width[\s\S]*at /);
});
