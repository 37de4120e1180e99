/** @file A generation request for either kind of model: settings decided, then pictures batch by batch. */
import { hostArray, RequestError, type HostArray } from "../base/index.ts";
import {
  completeRequest,
  completeSampler,
  StableDiffusion,
  textToImage,
  unconditional,
  type Generation,
  type GenerationStep,
  type PixelDiffusion,
  type TextToImageRequest,
} from "../pipelines/index.ts";
import {
  samplers,
  schedulerClasses,
  schedules,
  withSampler,
  type Settings as SchedulerSettings,
} from "../schedulers/index.ts";
import { nearest } from "./nearest.ts";
import type { GenerateRequest, Settings } from "./protocol.ts";
import { samplerLabel, scheduleLabel } from "./scheduler-labels.ts";

/** One picture to be: its text and its seed. */
export interface Picture {
  readonly prompt: string;
  readonly seed: number;
}

/** What is known before the first step. */
export interface Drawing {
  readonly settings: Omit<Settings, "version">;
  readonly pictures: readonly Picture[];
  /** Draws the pictures from `from` on, as many as one batch holds. */
  draw(from: number, signal: AbortSignal): AsyncGenerator<GenerationStep, Generation, void>;
}

/** The pictures of a request in order: each prompt `count` times, picture i from seed + i. */
export function picturesOf({ prompts, count, seed }: GenerateRequest): Picture[] {
  if (!Number.isSafeInteger(count) || count < 1)
    throw new RequestError("count", `must be a whole number from 1, got ${count}`);
  const all = prompts.flatMap((prompt) => Array<string>(count).fill(prompt));
  return all.map((prompt, i) => ({ prompt, seed: seed + i }));
}

/** Decides all that a request leaves open; throws a RequestError for what cannot be. */
export function prepareDrawing(
  model: StableDiffusion | PixelDiffusion,
  request: GenerateRequest,
  noise: HostArray | null,
): Drawing {
  const pictures = picturesOf(request);
  if (noise && noise.shape[0] !== pictures.length)
    throw new RequestError(
      "latents",
      `holds noise for ${noise.shape[0]} pictures, but ${pictures.length} are to be drawn`,
    );
  const names = completeSampler(request, model.parts.defaults);
  const choices = { ...names, rng: request.rng, eta: request.eta ?? 0 };
  const batch = (from: number): Batch => {
    const some = pictures.slice(from, from + request.batch);
    return { ...choices, some, latents: noise && rowsOf(noise, from, some.length) };
  };
  const settings = commonSettings(model, choices);
  return model instanceof StableDiffusion
    ? textDrawing(model, { pictures, settings, batch }, textRequest(request))
    : pixelDrawing(model, { pictures, settings, batch }, request.steps);
}

type Choices = Required<Pick<TextToImageRequest, "sampler" | "schedule" | "rng" | "eta">>;

interface Batch extends Choices {
  readonly some: readonly Picture[];
  readonly latents: HostArray | null;
}

type CommonSettings = ReturnType<typeof commonSettings>;

interface Plan {
  readonly pictures: readonly Picture[];
  readonly settings: CommonSettings;
  readonly batch: (from: number) => Batch;
}

function commonSettings({ parts, runner }: StableDiffusion | PixelDiffusion, choices: Choices) {
  const { sampler, schedule, rng, eta } = choices;
  const scheduler = namedScheduler(parts.scheduler, { sampler, schedule });
  return {
    model: parts.name,
    engine: runner.options.engine.name,
    engineVersion: runner.options.engine.version,
    precision: "f32" as const,
    rng,
    eta,
    sampler: samplerLabel(scheduler),
    schedule: scheduleLabel(scheduler),
  };
}

function textDrawing(
  model: StableDiffusion,
  { pictures, settings, batch }: Plan,
  wanted: Omit<TextToImageRequest, "prompt">,
): Drawing {
  const full = completeRequest({ ...wanted, prompt: "" }, model.parts.defaults);
  const { steps, guidance, guidanceRescale, width, height, clipSkip } = full;
  const negative = full.negative ?? "";
  return {
    pictures,
    settings: { ...settings, negative, steps, guidance, guidanceRescale, width, height, clipSkip },
    draw(from, signal) {
      const { some, ...choices } = batch(from);
      const prompt = some.map((picture) => picture.prompt);
      return textToImage(model, { ...wanted, ...choices, prompt, seed: some[0].seed, signal });
    },
  };
}

function pixelDrawing(
  model: PixelDiffusion,
  { pictures, settings, batch }: Plan,
  wanted: number | null,
): Drawing {
  const steps = wanted ?? model.parts.defaults.steps;
  const [height, width] = model.parts.size;
  const off = { negative: "", guidance: 0, guidanceRescale: 0, clipSkip: 1 };
  return {
    pictures,
    settings: { ...settings, ...off, steps, width, height },
    draw(from, signal) {
      const { some, ...choices } = batch(from);
      const own = { steps, count: some.length, seed: some[0].seed, signal };
      return unconditional(model, { ...choices, ...own });
    },
  };
}

/** `withSampler`, with the name that was probably meant where there is none such. */
function namedScheduler(file: SchedulerSettings, names: Parameters<typeof withSampler>[1]) {
  try {
    return withSampler(file, names);
  } catch (error) {
    if (!(error instanceof RequestError) || error.hint !== undefined) throw error;
    const known =
      error.field === "sampler"
        ? [...samplers.map(({ label }) => label), ...schedulerClasses.map(({ name }) => name)]
        : Object.keys(schedules);
    const meant = nearest(
      (error.field === "sampler" ? names.sampler : names.schedule) ?? "",
      known,
    );
    if (meant === null) throw error;
    const message = error.message.slice(`${error.field}: `.length);
    throw new RequestError(error.field, message, { hint: `did you mean ${meant}?` });
  }
}

/** What the request says; what it leaves open the model decides. */
function textRequest(request: GenerateRequest): Omit<TextToImageRequest, "prompt"> {
  const given = <K extends string, V>(key: K, value: V | null) =>
    (value === null ? {} : { [key]: value }) as { [P in K]?: V };
  return {
    negative: request.negative,
    guidanceRescale: request.guidanceRescale,
    ...given("steps", request.steps),
    ...given("guidance", request.guidance),
    ...given("width", request.width),
    ...given("height", request.height),
    ...given("clipSkip", request.clipSkip),
  };
}

function rowsOf({ data, shape }: HostArray, from: number, count: number): HostArray {
  const size = data.length / shape[0];
  return hostArray(data.subarray(from * size, (from + count) * size), [count, ...shape.slice(1)]);
}
