/** @file commander set up as limn wants it: no exit of its own, and errors as limn's own. */
import { Command, CommanderError } from "commander";
import { RequestError } from "../base/index.ts";
import { limnVersion } from "../service/index.ts";

/** The top of `limn --help`. */
export function programOf(): Command {
  return commandNamed("limn")
    .usage('"PROMPT" [options]  or  limn COMMAND …')
    .description("Draws pictures from words, and trains the models that do it.")
    .version(limnVersion(), "-V, --version", "show the version");
}

/** A command that reports errors by throwing. */
export function commandNamed(name: string): Command {
  return new Command(name)
    .exitOverride()
    .configureOutput({ outputError: () => undefined })
    .helpOption("-h, --help", "show this help");
}

/** Thrown when help or the version was asked for and shown. */
export class Shown extends Error {}

/** Parses words; what is wrong with them is a RequestError in one sentence. */
export function parseWords(command: Command, words: readonly string[]): void {
  try {
    command.parse([...words], { from: "user" });
  } catch (error) {
    throw error instanceof CommanderError ? translate(error) : error;
  }
}

function translate(error: CommanderError): Error {
  if (error.exitCode === 0) return new Shown();
  const [first, ...rest] = error.message.replace(/^error: /, "").split("\n");
  const hint = rest
    .join(" ")
    .trim()
    .replace(/^\(|\)$/g, "");
  return new RequestError("arguments", first, {
    hint: hint === "" ? "limn --help shows what there is" : hint,
  });
}

/** A whole number from `least`, for commander. */
export function wholeNumber(field: string, least: number): (text: string) => number {
  return (text) => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : NaN;
    if (Number.isSafeInteger(value) && value >= least) return value;
    const range = value > least ? `from ${least} to ${Number.MAX_SAFE_INTEGER}` : `from ${least}`;
    throw new RequestError(field, `must be a whole number ${range}, got "${text}"`);
  };
}

/** A seed, or -1 for one that is drawn, as A1111 writes it; for commander. */
export function seedNumber(text: string): number {
  const value = /^\d+$/.test(text) ? Number(text) : NaN;
  if (text === "-1" || Number.isSafeInteger(value)) return Number(text);
  throw new RequestError(
    "seed",
    `must be a whole number from 0 to ${Number.MAX_SAFE_INTEGER}, or -1 to draw one, got "${text}"`,
  );
}

/** A number from `least`, for commander. */
export function decimal(field: string, least: number): (text: string) => number {
  return (text) => {
    const value = text.trim() === "" ? NaN : Number(text);
    if (Number.isFinite(value) && value >= least) return value;
    throw new RequestError(field, `must be a number from ${least}, got "${text}"`);
  };
}

/** One of a few words, for commander. */
export function oneOf<T extends string>(field: string, words: readonly T[]): (text: string) => T {
  return (text) => {
    const found = words.find((word) => word === text.toLowerCase());
    if (found !== undefined) return found;
    throw new RequestError(field, `must be ${words.join(" or ")}, got "${text}"`);
  };
}
