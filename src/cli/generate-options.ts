/** @file The options of `limn generate`, as text and as values. */
import { Option, type Command } from "commander";
import { engineNames, precisionOrder } from "../service/index.ts";
import type { EngineChoice, PrecisionChoice } from "../service/index.ts";
import { commandNamed, decimal, oneOf, parseWords, seedNumber, wholeNumber } from "./program.ts";

const engines: readonly EngineChoice[] = ["auto", ...engineNames];
const precisions: readonly PrecisionChoice[] = ["auto", ...precisionOrder.toReversed()];

/** What was said on the command line; absent is undefined. */
export interface GenerateWords {
  readonly prompt?: string;
  readonly prompts?: string;
  readonly like?: string;
  readonly model?: string;
  readonly negative?: string;
  readonly steps?: number;
  readonly guidance?: number;
  readonly guidanceRescale?: number;
  readonly seed?: number;
  readonly count?: number;
  readonly batch?: number;
  readonly width?: number;
  readonly height?: number;
  readonly sampler?: string;
  readonly schedule?: string;
  readonly eta?: number;
  readonly rng?: "torch" | "philox";
  readonly clipSkip?: number;
  readonly out?: string;
  readonly latents?: string;
  readonly saveLatents?: string;
  readonly json?: true;
  readonly engine?: EngineChoice;
  readonly precision?: PrecisionChoice;
  readonly threads?: number;
  readonly debug?: true;
}

/** The command with its options, for parsing and for help. */
export function generateCommand(): Command {
  const option = (flags: string, description: string, parse?: (text: string) => unknown) => {
    const made = new Option(flags, description);
    return parse ? made.argParser(parse) : made;
  };
  const what = [
    option(
      "--prompts <FILE>",
      "draw every line of a file that is not blank, # or not, instead of one PROMPT",
    ),
    option("--like <PICTURE>", "all that a picture was drawn with, but for what is said beside it"),
    option("--negative <TEXT>", "what the picture should not be"),
    option("--model <ID|FOLDER>", "name or folder of a model"),
    option("--width <W>", "pixels across", wholeNumber("width", 1)),
    option("--height <H>", "pixels down", wholeNumber("height", 1)),
    option(
      "--seed <N>",
      "first seed, 0 to 2^53 - 1, of which torch takes the low 32 bits; -1 draws one; picture i takes N + i",
      seedNumber,
    ),
    option("--count <N>", "pictures of each prompt", wholeNumber("count", 1)),
    option("--batch <N>", "pictures made at once", wholeNumber("batch", 1)),
  ];
  const how = [
    option("--steps <N>", "steps of the sampler", wholeNumber("steps", 1)),
    option("--guidance <G>", "how closely to follow the prompt; 1 is off", decimal("guidance", 0)),
    option("--guidance-rescale <X>", "0 to 1", decimal("guidance-rescale", 0)),
    option("--sampler <NAME>", 'such as "DPM++ 2M", "Euler a", DDIM, or a diffusers class'),
    option("--schedule <NAME>", "noise levels, such as Karras or Exponential"),
    option("--eta <X>", "noise that DDIM adds, 0 to 1", decimal("eta", 0)),
    option("--rng <NAME>", "torch or philox", oneOf("rng", ["torch", "philox"])),
    option("--clip-skip <N>", "1 uses all layers of the text encoder", wholeNumber("clip-skip", 1)),
    option("--latents <FILE>", "start from the noise in a .safetensors file"),
  ];
  const where = [
    option("--out <FILE|FOLDER>", "a .png file, or a folder; nothing is overwritten"),
    option("--save-latents <FILE>", "write every step's latents to a .safetensors file"),
    option("--json", "one JSON object on stdout"),
    option("--threads <N>", "processor threads", wholeNumber("threads", 1)),
    option("--device <NAME>", "cpu", oneOf("device", ["cpu"])),
    option("--engine <NAME>", engines.join(", "), oneOf("engine", engines)),
    option("--precision <NAME>", precisions.join(", "), oneOf("precision", precisions)),
    option("--debug", "show where an error came from"),
  ];
  const command = commandNamed("limn generate")
    .usage('"PROMPT" [options]')
    .argument("[PROMPT]", "what to draw")
    .allowExcessArguments();
  for (const each of [...what, ...how, ...where]) command.addOption(each);
  return command;
}

/** Reads the words after `generate`. */
export function readGenerateWords(words: readonly string[]): GenerateWords {
  const command = generateCommand();
  parseWords(command, words);
  const [prompt, ...more] = command.args;
  return { ...command.opts<GenerateWords>(), ...promptOf(prompt, more) };
}

/** A prompt without quotes arrives as several words: they are what was meant. */
function promptOf(first: string | undefined, more: readonly string[]): { prompt?: string } {
  return first === undefined ? {} : { prompt: [first, ...more].join(" ") };
}
