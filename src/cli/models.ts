/** @file `limn models`: what models there are. */
import { RequestError } from "../base/index.ts";
import { dataFolder, listModels } from "../service/index.ts";
import { commandNamed, parseWords } from "./program.ts";

/** Lists models by name. */
export async function models(words: readonly string[]): Promise<number> {
  const command = commandNamed("limn models")
    .usage("list [--json]")
    .argument("[ACTION]", "list")
    .option("--json", "one JSON object on stdout")
    .option("--debug", "show where an error came from");
  parseWords(command, words);
  const [action = "list"] = command.args;
  if (action !== "list") throw new RequestError("models", `there is no "${action}", only list`);
  const found = await listModels();
  if (command.opts<{ json?: true }>().json) console.log(JSON.stringify({ models: found }));
  else if (found.length === 0)
    console.error(`no models; put one into ${dataFolder()}/models, or draw with --model FOLDER`);
  else for (const { name, folder } of found) console.log(`${name}\t${folder}`);
  return 0;
}
