/** @file `limn train`: runs a recipe. */
import { RequestError } from "../base/index.ts";
import { precisionOrder, trainingNames, trainRecipe } from "../service/index.ts";
import type { TrainEvent, TrainRequest } from "../service/index.ts";
import { printJson, printPath, say } from "./print.ts";
import { commandNamed, oneOf, parseWords, wholeNumber } from "./program.ts";
import { showSeconds } from "./progress.ts";
import { interruptible } from "./signals.ts";

interface TrainWords {
  readonly out?: string;
  readonly engine?: TrainRequest["engine"];
  readonly precision?: TrainRequest["precision"];
  readonly switchEngine?: true;
  readonly threads?: number;
  readonly keepEvery?: number;
  readonly json?: true;
}

/** What stopping means in each part of a run: what is said, and how many seconds it may take. */
const phases = {
  // What runs here is the recipe's own and may not listen; nothing is lost when it is killed.
  prepare: { says: "stopping; what is being prepared is made anew next time", patience: 3 },
  steps: { says: "ending the step, writing a checkpoint, then stopping", patience: 300 },
  finish: { says: "stopping; the last checkpoint is kept", patience: 3 },
} as const;
type Phase = keyof typeof phases;

/** The part of a run that follows an event. */
function phaseAfter(event: TrainEvent, before: Phase): Phase {
  switch (event.kind) {
    case "stage":
      return event.from === event.steps ? "finish" : "steps";
    case "step":
      return event.step === event.steps ? "finish" : "steps";
    case "finished":
      return "prepare";
    default:
      return before;
  }
}

/** Trains until the recipe is done; a run that was stopped goes on where it was. */
export async function train(words: readonly string[]): Promise<number> {
  const command = commandNamed("limn train")
    .usage("RECIPE [options]")
    .argument("[RECIPE]", "a recipe file, such as recipes/ddpm.ts")
    .option("--out <FOLDER>", "run folder; runs/NAME when left out")
    .option(
      "--engine <NAME>",
      ["auto", ...trainingNames].join(", "),
      oneOf("engine", ["auto", ...trainingNames]),
    )
    .option(
      "--precision <NAME>",
      "of the gradients: f32 (default), bf16, or auto: bf16 where the engine has it",
      oneOf("precision", ["auto", ...precisionOrder.toReversed()]),
    )
    .option("--switch-engine", "go on from a checkpoint of another engine or precision")
    .option("--threads <N>", "processor threads", wholeNumber("threads", 1))
    .option("--keep-every <N>", "steps between checkpoints", wholeNumber("keep-every", 1))
    .option("--json", "one JSON object for each event on stdout")
    .option("--debug", "show where an error came from");
  parseWords(command, words);
  const [recipe] = command.args;
  if (recipe === undefined)
    throw new RequestError("train", "needs a recipe", {
      hint: "limn train recipes/ddpm.ts; to draw a train: limn generate train",
    });
  const { out, engine, precision, switchEngine, threads, keepEvery, json } =
    command.opts<TrainWords>();
  const request: TrainRequest = {
    recipe,
    folder: out ?? null,
    engine: engine ?? "auto",
    precision: precision ?? "f32",
    otherEngine: switchEngine ? "go on" : "refuse",
    threads: threads ?? null,
    keepEvery: keepEvery ?? null,
  };
  let phase: Phase = "prepare";
  await interruptible(
    async (signal) => {
      for await (const event of trainRecipe(request, signal)) {
        phase = phaseAfter(event, phase);
        if (json) printJson(event);
        else tell(event);
      }
    },
    {
      onInterrupt: () => say(`limn: ${phases[phase].says}; Ctrl-C again kills`),
      patience: () => phases[phase].patience,
    },
  );
  return 0;
}

/** A line now and then: more often at the start, when one wants to know whether it learns at all. */
function tell(event: TrainEvent): void {
  switch (event.kind) {
    case "note":
      for (const line of event.text.split("\n")) say(line);
      return;
    case "stage":
      say(`${event.name}: from step ${event.from} to ${event.steps}`);
      return;
    case "picture":
      return;
    case "finished":
      printPath(event.folder);
      return;
    case "step":
      tellStep(event);
  }
}

function tellStep(event: Extract<TrainEvent, { kind: "step" }>): void {
  const { step, steps, metrics, samplesPerSecond, secondsLeft } = event;
  if (step !== steps && step % (step < 100 ? 10 : 100) !== 0) return;
  const numbers = Object.entries(metrics).map(([name, x]) => `${name} ${x.toFixed(4)}`);
  const speed = `${samplesPerSecond.toFixed(1)} images/s`;
  const left = `${showSeconds(secondsLeft)} left`;
  say([`step ${step}/${steps}`, ...numbers, speed, left].join("  "));
}
