/** @file `limn generate`: prompts to pictures. */
import { randomInt } from "node:crypto";
import { access, constants } from "node:fs/promises";
import { resolve } from "node:path";
import { RequestError } from "../base/index.ts";
import {
  computesIn,
  defaultModel,
  findModel,
  generateToFiles,
  kindOf,
  settleWay,
  startGenerator,
  targetOf,
  wishesOf,
  type GenerateReport,
  type GenerateRequest,
} from "../service/index.ts";
import { readGenerateWords, type GenerateWords } from "./generate-options.ts";
import { printJson, say, sayBelow } from "./print.ts";
import { readPrompts } from "./prompts-file.ts";
import { progressOf } from "./progress.ts";
import { interruptible } from "./signals.ts";

/** Draws what the words ask for. */
export async function generate(words: readonly string[]): Promise<number> {
  const given = await withPicture(readGenerateWords(words));
  const { request, model } = await requestOf(given);
  const target = await targetOf(given.out ?? null, { numbered: given.prompts !== undefined });
  await using generator = startGenerator();
  const progress = await progressOf(process.stderr);
  const report = await interruptible(
    (signal) =>
      generateToFiles(generator, request, {
        target,
        saveLatents: given.saveLatents ?? null,
        signal,
        onEvent(event) {
          if (event.type === "preparing") say(`limn: ${event.text}`);
          if (event.type === "started") for (const note of event.notes) say(`limn: ${note}`);
          progress.show(event);
        },
        onFile: (path) => {
          if (!given.json) progress.print(path);
        },
      }).finally(() => progress.end()),
    {
      onInterrupt: () => sayBelow("limn: stopping; Ctrl-C again kills"),
      // A step stops within milliseconds; only the making of a session cannot be stopped.
      patience: () => 5,
    },
  );
  if (report) tell(report, { request, model }, given);
  return 0;
}

/** Adds what a picture says of itself to what was said. */
async function withPicture(said: GenerateWords): Promise<GenerateWords> {
  if (said.like === undefined) return said;
  const { prompt, precision, ...others } = await wishesOf(said.like);
  const isItsEngine = said.engine === undefined || said.engine === others.engine;
  const isKept =
    precision !== undefined &&
    precision !== "auto" &&
    (isItsEngine || computesIn(said.engine, precision));
  return {
    // Lines of a file take the place of the picture's own words.
    ...(prompt === undefined || said.prompts !== undefined ? {} : { prompt }),
    // What one engine computed in, another may lack.
    ...(isKept ? { precision } : {}),
    ...others,
    ...said,
  };
}

/** A request, and by which name or path its model is found again from anywhere. */
interface Asked {
  readonly request: GenerateRequest;
  readonly model: string;
}

function tell(report: GenerateReport, asked: Asked, { json }: GenerateWords): void {
  if (json) {
    printJson(jsonOf(report, asked));
    return;
  }
  const { seeds, timings, settings } = report;
  const named = seeds.length === 1 ? `seed ${seeds[0]}` : `seeds ${seeds[0]} to ${seeds.at(-1)}`;
  const steps = timings.steps.reduce((sum, seconds) => sum + seconds, 0);
  const total = (performance.now() / 1000).toFixed(1);
  say(
    `${named}, ${settings.steps} steps of ${settings.sampler} in ${steps.toFixed(1)} s, ${total} s in all`,
  );
  if (report.latents) say(`latents in ${report.latents}`);
}

function jsonOf(report: GenerateReport, { request, model: place }: Asked) {
  const { files, seeds, settings, timings, peakRss, notes, latents } = report;
  const { model, engine, engineVersion, precision, version, ...rest } = settings;
  const { prompts, seed, count, batch } = request;
  const own = { seed, count, batch, model: place, engine, engineVersion };
  const parameters = { prompts, ...rest, ...own };
  return {
    files,
    seeds,
    model,
    engine,
    precision,
    timings: { ...timings, total: performance.now() / 1000 },
    memory: { peakRss },
    parameters: { ...parameters, precision, version },
    ...(notes.length === 0 ? {} : { notes }),
    ...(latents === null ? {} : { latents }),
  };
}

async function requestOf(given: GenerateWords): Promise<Asked> {
  const { name, folder, source } = await findModel(given.model ?? defaultModel);
  const { seed = -1 } = given;
  const { notes, ...way } = await settleWay(
    {
      engine: given.engine ?? null,
      precision: given.precision ?? null,
      threads: given.threads ?? null,
    },
    name,
  );
  for (const note of notes) say(`limn: ${note}`);
  const request = {
    folder,
    prompts: await promptsOf(given, folder),
    negative: given.negative ?? null,
    steps: given.steps ?? null,
    guidance: given.guidance ?? null,
    guidanceRescale: given.guidanceRescale ?? 0,
    seed: seed === -1 ? randomInt(2 ** 32 - 1) : seed,
    count: given.count ?? 1,
    batch: given.batch ?? 1,
    width: given.width ?? null,
    height: given.height ?? null,
    sampler: given.sampler ?? null,
    schedule: given.schedule ?? null,
    rng: given.rng ?? "torch",
    eta: given.eta ?? null,
    clipSkip: given.clipSkip ?? null,
    latents: await latentsOf(given),
    keepLatents: given.saveLatents !== undefined,
    ...way,
    mode: null,
  };
  return { request, model: source === "path" ? folder : name };
}

/** One prompt, or every line of a file that is not empty. A model that knows no text needs none. */
async function promptsOf(
  { prompt, prompts }: GenerateWords,
  folder: string,
): Promise<readonly string[]> {
  if (prompt !== undefined && prompts !== undefined)
    throw new RequestError("prompts", "needs no PROMPT beside it");
  if (prompts !== undefined) return readPrompts(prompts);
  if (prompt !== undefined) return [prompt];
  if ((await kindOf(folder)) === "unconditional") return [""];
  throw new RequestError("prompt", "there is nothing to draw", { hint: 'limn "a red apple"' });
}

/** The whole path of the file of noise; a name that leads nowhere is found out before the model is opened. */
async function latentsOf({ latents }: GenerateWords): Promise<string | null> {
  if (latents === undefined) return null;
  await access(latents, constants.R_OK).catch((): never => {
    throw new RequestError("latents", `there is no file ${latents} that can be read`, {
      hint: "it needs a .safetensors file with noise, such as --save-latents writes",
    });
  });
  return resolve(latents);
}
