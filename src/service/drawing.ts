/** @file A generation request for either kind of model: settings decided, then pictures batch by batch. */
import { hostArray, quote, RequestError, type HostArray } from "../base/index.ts";
import {
  checkEta,
  checkNoise,
  completeNoise,
  completeRequest,
  completeSampler,
  leftOut,
  seedsOf,
  showBytes,
  StableDiffusion,
  textToImage,
  unconditional,
  whole,
  type CompleteRequest,
  type Generation,
  type GenerationStep,
  type PixelDiffusion,
  type TextToImageRequest,
} from "../pipelines/index.ts";
import {
  guides,
  samplers,
  schedulerClasses,
  schedules,
  withSampler,
  type Settings as SchedulerSettings,
} from "../schedulers/index.ts";
import { knower } from "./known-words.ts";
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
  /** What whoever asked may not expect, as sentences. */
  readonly notes: readonly string[];
  /** Draws the pictures from `from` on, as many as one batch holds. */
  draw(from: number, signal: AbortSignal): AsyncGenerator<GenerationStep, Generation, void>;
}

/** The pictures of a request in order: each prompt `count` times, picture i from seed + i. */
export function picturesOf({ prompts, count, seed }: GenerateRequest): Picture[] {
  const seeds = seedsOf(seed, { prompts: prompts.length, count });
  return seeds.map((own, i) => ({ prompt: prompts[Math.floor(i / count)], seed: own }));
}

/** Decides all that a request leaves open; throws a RequestError for what cannot be. */
export function prepareDrawing(
  model: StableDiffusion | PixelDiffusion,
  request: GenerateRequest,
  noise: HostArray | null,
): Drawing {
  const pictures = picturesOf(request);
  whole("batch", request.batch, 1);
  if (noise) checkNoise(noise);
  const names = completeSampler(request, model.parts.defaults);
  const choices = { ...names, ...completeNoise({ rng: request.rng, eta: request.eta ?? 0 }) };
  const batch = (from: number): Batch => {
    const some = pictures.slice(from, from + request.batch);
    return { ...choices, some, latents: noise && rowsOf(noise, from, some.length) };
  };
  const settings = { ...commonSettings(model, choices), latents: request.latents };
  if (model instanceof StableDiffusion)
    return textDrawing(model, { pictures, settings, batch }, textRequest(request));
  refuseWords(model, request);
  return pixelDrawing(model, { pictures, settings, batch }, request.steps);
}

type Choices = Required<Pick<TextToImageRequest, "sampler" | "schedule" | "rng" | "eta">>;

interface Batch extends Choices {
  readonly some: readonly Picture[];
  readonly latents: HostArray | null;
}

type CommonSettings = ReturnType<typeof commonSettings> & Pick<Settings, "latents">;

interface Plan {
  readonly pictures: readonly Picture[];
  readonly settings: CommonSettings;
  readonly batch: (from: number) => Batch;
}

function commonSettings({ parts, runner }: StableDiffusion | PixelDiffusion, choices: Choices) {
  const { sampler, schedule, rng, eta } = choices;
  const scheduler = namedScheduler(parts.scheduler, { sampler, schedule });
  checkEta(eta, String(scheduler._class_name));
  return {
    model: parts.name,
    engine: runner.options.engine.name,
    engineVersion: runner.options.engine.version,
    precision: runner.options.precision ?? ("f32" as const),
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
  const { negative, steps, guidance, guidanceRescale, width, height, clipSkip } = full;
  const prompts = [...new Set(pictures.map(({ prompt }) => prompt))];
  const texts = [...new Set([...prompts, negative ?? ""])];
  // The picture carries its texts, and PNG has none with a NUL: better said before the work than after it.
  for (const text of texts)
    if (text.includes("\0")) throw new RequestError("prompt", `${quote(text)} holds a NUL`);
  return {
    pictures,
    notes: [
      ...model.parts.remarks,
      ...notesOnSize(model, { ...full, prompts: batch(0).some.map(() => "") }),
      ...notesOnWords(model, prompts),
      ...notesOnLength(model, texts),
    ],
    settings: { ...settings, negative, steps, guidance, guidanceRescale, width, height, clipSkip },
    draw(from, signal) {
      const { some, ...choices } = batch(from);
      const prompt = some.map((picture) => picture.prompt);
      return textToImage(model, { ...wanted, ...choices, prompt, seed: some[0].seed, signal });
    },
  };
}

/** What happens far from the size a model was made for is no error, but seldom what was meant. */
function notesOnSize(model: StableDiffusion, asked: CompleteRequest): string[] {
  const { name, defaults } = model.parts;
  const far = (["width", "height"] as const).some((side) => {
    const ratio = asked[side] / defaults[side];
    return ratio > 1.5 || ratio < 1 / 1.5;
  });
  const [own, came] = [defaults, asked].map(({ width, height }) => `${width}×${height}`);
  if (!far) return [];
  const doubt = `${name} was made for ${own}; at ${came} it may not draw what was asked`;
  const { width, height } = defaults;
  const { multiplyAdds: work, memory } = model.cost(asked);
  const times = work / model.cost({ ...asked, width, height }).multiplyAdds;
  if (times < 2) return [doubt];
  const longer = Number(times.toPrecision(2)).toLocaleString("en");
  return [`${doubt}, and takes about ${longer} times as long and ${showBytes(memory)} of memory`];
}

/** A prompt that says nothing to the model is drawn all the same, as a blob: one sentence for each, the first five. */
function notesOnWords({ parts: { name, knows } }: StableDiffusion, prompts: readonly string[]) {
  const known = knows && knower(knows);
  const silent = prompts.filter((prompt) => prompt.trim() === "" || known?.(prompt) === false);
  const list = knows ? `; limn info ${name} lists its ${knows.length} things` : "";
  const notes = silent.slice(0, 5).map((prompt) => {
    const problem =
      prompt.trim() === ""
        ? "the prompt is empty"
        : `${quote(prompt, 80)} names nothing that ${name} knows`;
    return `${problem}, so it may draw anything${list}`;
  });
  return silent.length > 5 ? [...notes, `and of ${silent.length - 5} more prompts`] : notes;
}

/** One sentence for each text that is cut, the first five of them. */
function notesOnLength({ parts: { encoders } }: StableDiffusion, texts: readonly string[]) {
  const [first] = encoders;
  const most = first.tokenizer.maxLength;
  const cut = texts.map((text) => leftOut(first, text)).filter((rest) => rest !== "");
  const notes = cut
    .slice(0, 5)
    .map((rest) => `only ${most} tokens are read; left out: ${quote(rest, 400)}`);
  return cut.length > 5 ? [...notes, `and of ${cut.length - 5} more texts the end`] : notes;
}

/** Throws RequestError for what a model that knows no words would pass over in silence. */
function refuseWords({ parts }: PixelDiffusion, request: GenerateRequest): void {
  const { prompts, negative, guidance, guidanceRescale, clipSkip, width, height } = request;
  const wordless = `${parts.name} knows no words`;
  const refused: readonly [field: string, asked: boolean, why: string][] = [
    ["prompt", prompts.some((prompt) => prompt !== ""), `${wordless}: leave it out`],
    ["negative", (negative ?? "") !== "", `${wordless}: leave it out`],
    ["guidance", guides(guidance ?? 0), `${wordless} that could guide it: leave it out`],
    ["guidance-rescale", guidanceRescale > 0, `${wordless} that could guide it: leave it out`],
    ["clip-skip", (clipSkip ?? 1) !== 1, `${wordless}: leave it out`],
    ["width", (width ?? parts.size[1]) !== parts.size[1], `must be ${parts.size[1]}, got ${width}`],
    [
      "height",
      (height ?? parts.size[0]) !== parts.size[0],
      `must be ${parts.size[0]}, got ${height}`,
    ],
  ];
  for (const [field, asked, why] of refused) if (asked) throw new RequestError(field, why);
}

function pixelDrawing(
  model: PixelDiffusion,
  { pictures, settings, batch }: Plan,
  wanted: number | null,
): Drawing {
  const steps = whole("steps", wanted ?? model.parts.defaults.steps, 1);
  const [height, width] = model.parts.size;
  const off = { negative: null, guidance: 0, guidanceRescale: 0, clipSkip: 1 };
  return {
    pictures,
    notes: model.parts.remarks,
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
    // What is refused is either no name at all, or the name of a schedule that the sampler does not have.
    const known =
      error.field === "sampler"
        ? [...samplers.map(({ label }) => label), ...schedulerClasses.map(({ name }) => name)]
        : Object.keys(schedules);
    const said = (error.field === "sampler" ? names.sampler : names.schedule) ?? "";
    const meant = nearest(said, known);
    if (meant === null || bare(meant) === bare(said)) throw error;
    const message = error.message.slice(`${error.field}: `.length);
    throw new RequestError(error.field, message, { hint: `did you mean ${meant}?` });
  }
}

/** A name without case and separators, which do not count. */
const bare = (name: string) => name.toLowerCase().replace(/[\s_-]/g, "");

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
