/** @file What `limn --help` shows: every command, and the options of drawing, which needs no command. */
import type { Command } from "commander";
import { commands } from "./commands.ts";
import { generateCommand } from "./generate-options.ts";

/** Adds the texts below the usage line. */
export function overview(program: Command): Command {
  const names = Object.entries(commands);
  const widest = Math.max(...names.map(([name]) => name.length));
  const lines = names.map(([name, { summary }]) => `  ${name.padEnd(widest)}  ${summary}`);
  const generate = generateCommand().helpInformation();
  const options = generate.slice(generate.indexOf("Options:")).replace("Options:", "Drawing:");
  return program.addHelpText("after", ["\nCommands:", ...lines, "", options.trimEnd()].join("\n"));
}
