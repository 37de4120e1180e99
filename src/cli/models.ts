/** @file `limn models`: what models there are. */
import { RequestError } from "../base/index.ts";
import { dataFolder, listModels } from "../service/index.ts";
import { print, printJson, say } from "./print.ts";
import { commandNamed, parseWords } from "./program.ts";

/** What later versions do with models. */
const later = new Set(["info", "install", "convert", "merge", "rm"]);

/** Lists models by name. */
export async function models(words: readonly string[]): Promise<number> {
  const command = commandNamed("limn models")
    .usage("list [--json]")
    .argument("[ACTION]", "list")
    .allowExcessArguments()
    .option("--json", "one JSON object on stdout")
    .option("--debug", "show where an error came from");
  parseWords(command, words);
  const [action = "list", ...more] = command.args;
  if (action !== "list")
    throw new RequestError(
      "models",
      later.has(action)
        ? `"${action}" is not in this version of limn, only list`
        : `there is no "${action}", only list`,
    );
  if (more.length > 0) throw new RequestError("models", `list needs no more words, got ${more[0]}`);
  const found = await listModels();
  if (command.opts<{ json?: true }>().json) printJson({ models: found });
  else if (found.length === 0)
    say(`no models; put one into ${dataFolder()}/models, or draw with --model FOLDER`);
  else for (const { name, folder } of found) print(`${name}\t${folder}`);
  return 0;
}
