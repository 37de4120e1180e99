/**
 * @file What a model is computed in where nobody said: bf16 where that is fast and every network of this model stays exact
 * enough, by a measurement that is made once for each model and version of an engine.
 */
import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  EngineError,
  keyedRandom,
  NotFiniteError,
  signalToNoise,
  type HostArray,
} from "../../base/index.ts";
import { writeFileAtomic } from "../../formats/index.ts";
import {
  completeRequest,
  GraphRunner,
  PixelDiffusion,
  StableDiffusion,
  type Predictor,
  type RunnerOptions,
} from "../../pipelines/index.ts";
import { cacheFolder, checkPrecision, type Precision } from "../../runtime/index.ts";
import type { PrecisionChoice } from "../protocol.ts";
import { limnVersion } from "../folders.ts";
import { hasFastHalves } from "./choose.ts";

type Model = StableDiffusion | PixelDiffusion;

/**
 * Least signal-to-noise ratio, in dB, of every network's output in bf16 against f32: pictures then differ by 30 dB and more.
 * See docs/decisions/0007-bf16-by-measurement.md.
 */
const leastRatio = 35;

/** What was measured of a model. */
interface Verdict {
  /** 10 log₁₀ of an output's power over that of its error, the worst of all networks and timesteps, in dB. */
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
  if (known) return precisionBy(known);
  say(`measuring, once for this model, whether bf16 is exact enough`);
  try {
    const verdict = { ratio: await worstRatio(model, signal ?? null) };
    await keepVerdict(file, verdict);
    return precisionBy(verdict);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    // What befell this measurement says nothing of the model: the next start measures again.
    say(`bf16 could not be measured, drawing in f32 this time: ${error.message}`);
    return "f32";
  }
}

const precisionBy = ({ ratio }: Verdict): Precision => (ratio >= leastRatio ? "bf16" : "f32");

/** Changes with what is measured, and how: older verdicts are then made anew. */
const method = "every network, 2";

function verdictFile({ parts, runner }: Model): string {
  const { name, version } = runner.options.engine;
  const networks =
    "vae" in parts ? [parts.vaeWeights, ...parts.encoders.map(({ weights }) => weights)] : [];
  const identities = [parts.unetWeights, ...networks].map(({ identity }) => identity);
  const words = [method, ...identities, name, version, limnVersion()].join("\n");
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

async function keepVerdict(file: string, verdict: Verdict): Promise<void> {
  try {
    await mkdir(join(cacheFolder(), "precision"), { recursive: true });
    await writeFileAtomic(file, new TextEncoder().encode(JSON.stringify(verdict)));
  } catch {
    // A cache that cannot be written costs the next start a measurement, and nothing else.
  }
}

/** Of all outputs, in dB. Throws EngineError where it cannot be measured. */
async function worstRatio(model: Model, signal: AbortSignal | null): Promise<number> {
  const wide = await outputs(model, "f32", signal);
  // Numbers that are none in bf16 alone are a verdict too.
  const narrow = await outputs(model, "bf16", signal).catch((error: unknown) => {
    if (error instanceof NotFiniteError) return null;
    throw error;
  });
  const ratios = wide.map(({ data }, i) =>
    narrow ? signalToNoise(data, narrow[i].data) : -Infinity,
  );
  return Math.max(-1000, Math.min(1000, ...ratios)); // JSON knows no infinity
}

/** From almost pure noise to almost none. */
const timesteps = [950, 500, 50];
/** Latents across: enough for every block of a network to have its usual work, and a quarter of the usual time. */
const side = 32;

/** What every network of a model makes of inputs that are always the same, as they follow each other in drawing. */
async function outputs(
  model: Model,
  precision: Precision,
  signal: AbortSignal | null,
): Promise<HostArray[]> {
  signal?.throwIfAborted();
  const options: RunnerOptions = { ...model.runner.options, precision, cache: "none" };
  await using runner = new GraphRunner(options);
  return model instanceof StableDiffusion
    ? await outputsByWords(new StableDiffusion(model.parts, runner), signal)
    : await outputsOfPixels(new PixelDiffusion(model.parts, runner), signal);
}

const noiseOf = (shape: readonly number[]) => keyedRandom(0, 0, 0).normal(shape);

async function outputsByWords(
  model: StableDiffusion,
  signal: AbortSignal | null,
): Promise<HostArray[]> {
  const { defaults } = model.parts;
  const [width, height] = [defaults.width, defaults.height].map((pixels) =>
    Math.min(pixels, side * defaults.factor),
  );
  const prompt = "a photograph of a red apple on a table";
  const own = signal === null ? {} : { signal };
  const request = completeRequest({ prompt, guidance: 1, width, height, ...own }, defaults);
  const text = await model.encode(request);
  const found = text.pooled ? [text.states, text.pooled] : [text.states];
  const noise = noiseOf(model.latentShape(request));
  found.push(...(await predictions(await model.predictor(request, text), noise)));
  // Latents at the end of a drawing have about the variance of noise: that is what their scaling factor is for.
  for await (const picture of model.decoded(noise, signal)) found.push(picture);
  return found;
}

async function outputsOfPixels(model: PixelDiffusion, signal: AbortSignal | null) {
  return predictions(await model.predictor(1, signal), noiseOf(model.shape(1)));
}

/** The UNet's outputs; it is given back then. */
async function predictions(predictor: Predictor, noise: HostArray): Promise<HostArray[]> {
  await using lent = predictor;
  const found: HostArray[] = [];
  for (const timestep of timesteps) found.push(await lent.predict(noise, timestep));
  return found;
}
