/** @file `limn bench`: how fast this machine draws by each engine, and which way is the best. */
import { availableParallelism } from "node:os";
import { Option } from "commander";
import { RequestError } from "../base/index.ts";
import {
  bench as measure,
  defaultModel,
  engineOrder,
  findModel,
  forgetSetting,
  listModels,
  processorName,
  saveSetting,
  type BenchEvent,
  type BenchPlan,
  type DrawingSetting,
  type EngineName,
  type ModelResult,
} from "../service/index.ts";
import { planLines, resultLines, settingText } from "./bench-table.ts";
import { print, printJson, say, sayBelow } from "./print.ts";
import { commandNamed, oneOf, parseWords, wholeNumber } from "./program.ts";
import { interruptible } from "./signals.ts";

interface BenchWords {
  readonly model?: readonly string[];
  readonly engine?: EngineName;
  readonly threads?: readonly number[];
  readonly seconds: number;
  readonly save?: true;
  readonly reset?: true;
  readonly json?: true;
}

const again = (text: string, before: readonly string[] = []) => [...before, text];
const threadList = (text: string) => text.split(",").map(wholeNumber("threads", 1));

function readWords(words: readonly string[]): BenchWords {
  const command = commandNamed("limn bench")
    .usage("[options]")
    .addOption(
      new Option("--model <ID|FOLDER>", "a model to draw with; may be said again").argParser(again),
    )
    .addOption(
      new Option("--engine <NAME>", engineOrder.join(", ")).argParser(oneOf("engine", engineOrder)),
    )
    .addOption(new Option("--threads <N,…>", "processor threads to try").argParser(threadList))
    .option("--seconds <S>", "how long it may take", wholeNumber("seconds", 1), 60)
    .option("--save", "draw by the best setting from now on")
    .option("--reset", "forget what was saved; measures nothing")
    .option("--json", "one JSON object on stdout")
    .option("--debug", "show where an error came from");
  parseWords(command, words);
  return command.opts<BenchWords>();
}

/** Everything found, as `--json` tells it. */
interface Findings {
  plan: BenchPlan | null;
  readonly models: ModelResult[];
  best: DrawingSetting | null;
}

/** Measures and shows; saves or forgets where that was asked. */
export async function bench(words: readonly string[]): Promise<number> {
  const { model, engine, threads, seconds, save, reset, json } = readWords(words);
  if (reset) return forget(json === true);
  const places =
    model === undefined ? await listModels() : await Promise.all(model.map((id) => findModel(id)));
  if (places.length === 0)
    throw new RequestError("model", `there is no model to measure, ${defaultModel} is missing`, {
      hint: "--model FOLDER",
    });
  const options = { models: places, engine: engine ?? null, threads: threads ?? null, seconds };
  const found: Findings = { plan: null, models: [], best: null };
  await interruptible(
    async (signal) => {
      try {
        for await (const event of measure(options, signal))
          take(event, { found, json: json === true });
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
    {
      onInterrupt: () => sayBelow("limn: stopping; Ctrl-C again kills"),
      patience: () => 10,
    },
  );
  return conclude(found, { json: json === true, save: save === true });
}

async function forget(json: boolean): Promise<number> {
  const forgot = await forgetSetting();
  if (json) printJson({ forgot });
  else print(forgot ? "forgot the saved setting" : "nothing was saved");
  return 0;
}

function take(event: BenchEvent, { found, json }: { found: Findings; json: boolean }): void {
  switch (event.type) {
    case "plan":
      found.plan = event.plan;
      for (const line of planLines(event.plan, event.seconds)) say(line);
      return;
    case "model":
      say(`${event.model}: starting each setting once`);
      return;
    case "started":
      say(`  ${settingText(event.row)}: ${event.row.problem ?? "ready"}`);
      return;
    case "round":
      say(`  round ${event.round}`);
      return;
    case "result":
      found.models.push(event.result);
      return;
    case "best":
      found.best = event.best;
      if (!json)
        for (const result of found.models)
          for (const line of resultLines(result, event.best)) print(line);
  }
}

async function conclude(
  { plan, models, best }: Findings,
  { json, save }: { json: boolean; save: boolean },
): Promise<number> {
  const processor = processorName();
  const saved =
    save && best !== null
      ? await saveSetting({ ...best, models: models.map((each) => each.model), processor })
      : null;
  if (json) {
    const machine = { processor, threads: availableParallelism(), node: process.version };
    const { versions = {}, absent = [] } = plan ?? {};
    printJson({ machine, versions, absent, models, best, saved });
  } else if (best !== null) {
    print(`best: ${settingText(best)}`);
    if (saved !== null) print(`saved in ${saved}; limn bench --reset forgets it`);
    else say("limn bench --save makes it the default");
  }
  if (best !== null) return 0;
  say("limn: no setting could be measured to the end; limn doctor looks for the reason");
  return 1;
}
