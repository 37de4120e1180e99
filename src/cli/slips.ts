/** @file Prompts whose first word was probably meant as a command. */
import { existsSync } from "node:fs";
import { RequestError } from "../base/index.ts";
import { nearest } from "../service/index.ts";
import { commands, firstPlain, isCommand, type CommandName } from "./commands.ts";

/** Whether words look like what follows a command, and not like the rest of a prompt. */
type Follows = (rest: readonly string[]) => boolean;

const has = (rest: readonly string[], known: string) =>
  known.split(" ").some((word) => rest.some((own) => own === word || own.startsWith(`${word}=`)));
const only = (rest: readonly string[], known: string) =>
  rest.length > 0 && rest.every((word) => known.split(" ").includes(word));
const namesFile = (rest: readonly string[]) =>
  rest.some((word) => !word.startsWith("-") && existsSync(word));

/** Options that drawing has too say nothing, but where a command needs no more than them. */
const follows: Readonly<Record<CommandName, Follows>> = {
  generate: (rest) => firstPlain(rest) === 0 && /\s/.test(rest[0]),
  train: (rest) => namesFile(rest) || has(rest, "--switch-engine --keep-every"),
  info: namesFile,
  models: (rest) => only(rest, "list --json --debug"),
  engines: (rest) =>
    only(rest.slice(0, 1), "list install rm --json --debug") ||
    has(rest, "--devices --use --index --by --dry-run"),
  doctor: (rest) => only(rest, "--json --debug"),
  bench: (rest) => only(rest, "--json --debug") || has(rest, "--seconds --save --reset"),
};

/**
 * The command that the first word of a prompt looks like a slip of, null for none. Throws RequestError where the rest looks like
 * that command's too: a picture of it is hardly what was meant.
 */
export function slipIn(words: readonly string[]): CommandName | null {
  const at = firstPlain(words);
  if (at < 0 || isCommand(words[at])) return null;
  const meant = nearest(words[at], Object.keys(commands));
  if (meant === null || !isCommand(meant)) return null;
  const [first, ...rest] = words.slice(at);
  if (!follows[meant](rest)) return meant;
  const all = [first, ...rest].join(" ");
  throw new RequestError("command", `there is no "${first}"; did you mean ${meant}?`, {
    hint: `limn ${[meant, ...rest].join(" ")}; to draw it: limn generate "${all}"`,
  });
}
