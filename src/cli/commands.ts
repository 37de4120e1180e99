/** @file The commands there are. A new one is a line here and a file beside it. */

import { RequestError } from "../base/index.ts";

/** Runs a command on the words after its name; resolves to the exit code. */
export type RunCommand = (words: readonly string[]) => Promise<number>;

interface CommandEntry {
  readonly summary: string;
  readonly load: () => Promise<RunCommand>;
}

/** Every command by name. */
export const commands = {
  generate: {
    summary: 'draw pictures; needs not be said: limn "a red apple"',
    load: async () => (await import("./generate.ts")).generate,
  },
  train: {
    summary: "train a model by a recipe",
    load: async () => (await import("./train.ts")).train,
  },
  info: {
    summary: "show a picture's parameters, or what a model is made of",
    load: async () => (await import("./info.ts")).info,
  },
  models: {
    summary: "list the models on this machine",
    load: async () => (await import("./models.ts")).models,
  },
  engines: {
    summary: "list what can compute here, and get OpenVINO",
    load: async () => (await import("./engines.ts")).engines,
  },
  doctor: {
    summary: "check engine, memory and folders, and say what is missing",
    load: async () => (await import("./doctor.ts")).doctor,
  },
  bench: {
    summary: "measure this machine's engines, and draw by the best one",
    load: async () => (await import("./bench.ts")).bench,
  },
} as const satisfies Record<string, CommandEntry>;

/** Name of a command. */
export type CommandName = keyof typeof commands;

const overviews = new Set(["-h", "--help", "-V", "--version"]);

/** Names of commands to come: a prompt that begins with one would change its meaning with the next version. */
const reserved = new Set(["studio", "serve"]);

/** What words ask for: a command and the words for it; without a command the overview. */
export interface Wanted {
  readonly name: CommandName | null;
  readonly words: readonly string[];
}

/** Reads the first word: a command if it is one, else drawing. Throws RequestError for a name that is kept. */
export function wantedBy(words: readonly string[]): Wanted {
  const [first, ...rest] = words;
  if (first === undefined || overviews.has(first)) return { name: null, words };
  const at = firstPlain(words);
  if (at > 0 && (isCommand(words[at]) || reserved.has(words[at])))
    return wantedAfterOptions(words.slice(0, at), words.slice(at));
  if (first === "help") return helpOf(rest[0]);
  if (reserved.has(first))
    throw new RequestError("command", `"${first}" is not in this version of limn`, {
      hint: `to draw it: limn generate ${first}`,
    });
  return isCommand(first) ? { name: first, words: rest } : { name: "generate", words };
}

/** Options that every command has: they may stand before it too. */
const everywhere = new Set(["--json", "--debug", "-h", "--help"]);

/** Place of the first word that is neither an option nor the value of one, as drawing has them; -1 for none. */
export function firstPlain(words: readonly string[]): number {
  for (let at = 0; at < words.length;) {
    const word = words[at];
    if (!word.startsWith("-") || word === "-" || word === "--") return word === "--" ? -1 : at;
    at += everywhere.has(word) || word.includes("=") ? 1 : 2;
  }
  return -1;
}

/** A command after options: theirs if all have them, else nobody knows whose. */
function wantedAfterOptions(
  options: readonly string[],
  [name, ...rest]: readonly string[],
): Wanted {
  if (name === "generate" || options.every((word) => everywhere.has(word)))
    return wantedBy([name, ...options, ...rest]);
  throw new RequestError("command", `the options of ${name} come after it`, {
    hint: `limn ${name} …; to draw it: limn generate ${options.join(" ")} "${name} …"`,
  });
}

function helpOf(name: string | undefined): Wanted {
  if (name === undefined) return { name: null, words: [] };
  if (isCommand(name)) return { name, words: ["--help"] };
  throw new RequestError("help", `there is no command "${name}"`, {
    hint: `there are ${Object.keys(commands).join(", ")}; to draw it: limn generate help …`,
  });
}

/** Whether a word is a command of this version. */
export const isCommand = (name: string): name is CommandName => Object.hasOwn(commands, name);
