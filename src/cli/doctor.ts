/** @file `limn doctor`: what this machine has and what it lacks. */
import { examine, type Finding } from "../service/index.ts";
import { print, printJson } from "./print.ts";
import { commandNamed, parseWords } from "./program.ts";

const marks: Readonly<Record<Finding["state"], string>> = {
  fine: "ok",
  optional: "--",
  wrong: "!!",
};

/** Prints every finding; 1 if something needs to be done. */
export async function doctor(words: readonly string[]): Promise<number> {
  const command = commandNamed("limn doctor")
    .usage("[--json]")
    .option("--json", "one JSON object on stdout")
    .option("--debug", "show where an error came from");
  parseWords(command, words);
  const findings = await examine();
  const fine = findings.every(({ state }) => state !== "wrong");
  if (command.opts<{ json?: true }>().json) printJson({ fine, findings });
  else
    for (const { what, found, state, advice } of findings) {
      print(`${marks[state]}  ${what.padEnd(15)} ${found}`);
      if (advice !== null) print(`${" ".repeat(20)}${advice}`);
    }
  return fine ? 0 : 1;
}
