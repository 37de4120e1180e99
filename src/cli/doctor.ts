/** @file `limn doctor`: what this machine has and what it lacks. */
import { examine } from "../service/index.ts";
import { print, printJson } from "./print.ts";
import { commandNamed, parseWords } from "./program.ts";

/** Prints every finding; 1 if something needs to be done. */
export async function doctor(words: readonly string[]): Promise<number> {
  const command = commandNamed("limn doctor")
    .usage("[--json]")
    .option("--json", "one JSON object on stdout")
    .option("--debug", "show where an error came from");
  parseWords(command, words);
  const findings = await examine();
  const fine = findings.every((finding) => finding.fine);
  if (command.opts<{ json?: true }>().json) printJson({ fine, findings });
  else
    for (const { what, found, fine: good, advice } of findings) {
      const mark = good ? (advice === null ? "ok" : "--") : "!!";
      print(`${mark}  ${what.padEnd(15)} ${found}`);
      if (advice !== null) print(`${" ".repeat(20)}${advice}`);
    }
  return fine ? 0 : 1;
}
