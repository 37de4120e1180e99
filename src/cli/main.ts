#!/usr/bin/env node
/** @file The command `limn`: finds out which command is meant and loads that one only. */
import { commands, firstPlain, wantedBy } from "./commands.ts";
import { exitCodeOf, printError } from "./errors.ts";
import { say } from "./print.ts";
import { parseWords, programOf } from "./program.ts";
import { slipIn } from "./slips.ts";

async function main(all: readonly string[]): Promise<number> {
  const { name, words } = wantedBy(all);
  const slip = name === "generate" && words === all ? slipIn(all) : null;
  if (slip !== null) say(`limn: drawing "${all[firstPlain(all)]}"; for the command: limn ${slip}`);
  if (name === null) {
    const { overview } = await import("./overview.ts");
    const program = overview(programOf());
    if (words.length > 0) parseWords(program, words);
    program.outputHelp();
    return 0;
  }
  const run = await commands[name].load();
  return run(words);
}

// A reader that went away (`limn … | head`) is no reason to lose a picture.
for (const stream of [process.stdout, process.stderr])
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });

const words = process.argv.slice(2);
main(words)
  .catch((error: unknown) => {
    printError(error, { json: words.includes("--json"), debug: words.includes("--debug") });
    return exitCodeOf(error);
  })
  .then((code) => {
    process.exitCode = code;
  })
  .catch((error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  });
