/**
 * @file What a model is computed in where nobody said: bf16 where that is fast and this model stays exact enough, by a
 * measurement that is made once for each model and version of an engine.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { EngineError, keyedRandom, signalToNoise, type HostArray } from "../../base/index.ts";
import { writeFileAtomic } from "../../formats/index.ts";
import {
  completeRequest,
  GraphRunner,
  PixelDiffusion,
  StableDiffusion,
  type RunnerOptions,
} from "../../pipelines/index.ts";
import { cacheFolder, checkPrecision, type Precision } from "../../runtime/index.ts";
import type { PrecisionChoice } from "../protocol.ts";
import { limnVersion } from "../folders.ts";
import { hasFastHalves } from "./choose.ts";

type Model = StableDiffusion | PixelDiffusion;

/** Least signal-to-noise ratio, in dB, of a network's output in bf16 against f32: pictures then differ by 30 dB and more. */
export const leastRatio = 35;

/** What was measured of a model. */
interface Verdict {
  /** 10 log₁₀ of the output's power over that of its error, the worst of all timesteps, in dB. */
  readonly ratio: number;
}

/** Who is told of a measurement, and who may stop it. */
export interface Measuring {
  readonly say: (text: string) => void;
  readonly signal?: AbortSignal;
  /** Whether the processor has instructions for bf16. */
  readonly fast?: boolean;
}

/**
 * Decides a precision. `say` is told, as a sentence, of work that takes a while. Throws RequestError where the engine
 * lacks the one that was asked for.
 */
export async function choosePrecision(
  choice: PrecisionChoice,
  model: Model,
  { say, signal, fast = hasFastHalves() }: Measuring,
): Promise<Precision> {
  const { engine } = model.runner.options;
  if (choice !== "auto") {
    checkPrecision(choice, engine);
    return choice;
  }
  if (!fast || !engine.precisions.includes("bf16")) return "f32";
  const file = verdictFile(model);
  const known = await readVerdict(file);
  if (!known) say(`measuring, once for this model, whether bf16 is exact enough`);
  const verdict = known ?? (await measure(model, file, signal ?? null));
  return verdict.ratio >= leastRatio ? "bf16" : "f32";
}

function verdictFile({ parts, runner }: Model): string {
  const { name, version } = runner.options.engine;
  const words = [parts.unetWeights.identity, name, version, limnVersion()].join("\n");
  const key = createHash("sha256").update(words).digest("hex").slice(0, 32);
  return join(cacheFolder(), "precision", `${key}.json`);
}

async function readVerdict(file: string): Promise<Verdict | null> {
  try {
    const { ratio } = JSON.parse(await readFile(file, "utf8")) as Partial<Verdict>;
    return typeof ratio === "number" ? { ratio } : null;
  } catch {
    return null; // not there, or torn: measured anew
  }
}

async function measure(model: Model, file: string, signal: AbortSignal | null): Promise<Verdict> {
  const wide = await outputs(model, "f32", signal);
  // Numbers that are none in bf16 alone are a verdict too.
  const narrow = await outputs(model, "bf16", signal).catch((error: unknown) => {
    if (error instanceof EngineError) return null;
    throw error;
  });
  const ratios = wide.map((exact, i) =>
    narrow ? signalToNoise(exact.data, narrow[i].data) : -Infinity,
  );
  // JSON knows no infinity.
  const ratio = Math.max(-1000, Math.min(1000, ...ratios));
  try {
    await mkdir(join(cacheFolder(), "precision"), { recursive: true });
    await writeFileAtomic(file, new TextEncoder().encode(JSON.stringify({ ratio })));
  } catch {
    // A cache that cannot be written costs the next start a measurement, and nothing else.
  }
  return { ratio };
}

/** From almost pure noise to almost none. */
const timesteps = [950, 500, 50];
/** Latents across: enough for every block of a network to have its usual work, and a quarter of the usual time. */
const side = 32;

/** The network's outputs in a precision, on noise that is always the same. */
async function outputs(
  model: Model,
  precision: Precision,
  signal: AbortSignal | null,
): Promise<HostArray[]> {
  signal?.throwIfAborted();
  const options: RunnerOptions = { ...model.runner.options, precision, cache: "none" };
  await using runner = new GraphRunner(options);
  await using predictor =
    model instanceof StableDiffusion
      ? await wordedPredictor(new StableDiffusion(model.parts, runner), signal)
      : {
          ...(await new PixelDiffusion(model.parts, runner).predictor(1, signal)),
          shape: model.shape(1),
        };
  const noise = keyedRandom(0, 0, 0).normal(predictor.shape);
  const found: HostArray[] = [];
  for (const timestep of timesteps) found.push(await predictor.predict(noise, timestep));
  return found;
}

async function wordedPredictor(model: StableDiffusion, signal: AbortSignal | null) {
  const { defaults } = model.parts;
  const [width, height] = [defaults.width, defaults.height].map((pixels) =>
    Math.min(pixels, side * defaults.factor),
  );
  const prompt = "a photograph of a red apple on a table";
  const own = signal === null ? {} : { signal };
  const request = completeRequest({ prompt, guidance: 1, width, height, ...own }, defaults);
  const predictor = await model.predictor(request, await model.encode(request));
  return {
    ...predictor,
    shape: model.latentShape(request),
    [Symbol.asyncDispose]: () => predictor[Symbol.asyncDispose](),
  };
}
