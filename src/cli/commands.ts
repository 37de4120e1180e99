/** @file The commands there are. A new one is a line here and a file beside it. */

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
  doctor: {
    summary: "check engine, memory and folders, and say what is missing",
    load: async () => (await import("./doctor.ts")).doctor,
  },
} as const satisfies Record<string, CommandEntry>;

/** Name of a command. */
export type CommandName = keyof typeof commands;

const overviews = new Set(["-h", "--help", "-V", "--version"]);

/** The command that words ask for: their first word if it is one, else drawing; null for the overview. */
export function commandOf(words: readonly string[]): CommandName | null {
  const [first] = words;
  if (first === undefined || overviews.has(first)) return null;
  if (first === "help" && words.length === 1) return null;
  return Object.hasOwn(commands, first) ? (first as CommandName) : "generate";
}
