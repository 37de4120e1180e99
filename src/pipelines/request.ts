/** @file What a caller may ask of a text-to-image model, and the request with nothing left open. */
import { RequestError, type HostArray } from "../base/index.ts";
import type { Settings } from "../schedulers/index.ts";
import { randomNames, type RandomName } from "./per-image-random.ts";

/** SDXL's knowledge of where a picture came from: pixels, [height, width] and [top, left]. */
export interface SizeConditions {
  readonly original?: readonly [number, number];
  readonly crop?: readonly [number, number];
  readonly target?: readonly [number, number];
}

/** A wish for pictures. What is left out takes the model's own default. */
export interface TextToImageRequest {
  /** One text for all pictures, or one for each. */
  readonly prompt: string | readonly string[];
  /** What the pictures should not be; left out it is what the family takes for none. */
  readonly negative?: string | null;
  readonly steps?: number;
  /** Strength of classifier-free guidance; 1 and less turn it off. */
  readonly guidance?: number;
  /** φ of Lin et al. 2023: 0 leaves the guided prediction alone. */
  readonly guidanceRescale?: number;
  /** Picture i of the request is drawn from seed + i. */
  readonly seed?: number;
  /** Pictures of each prompt. */
  readonly count?: number;
  readonly width?: number;
  readonly height?: number;
  /** Name of a sampler: A1111's, limn's or a diffusers class. */
  readonly sampler?: string | null;
  readonly schedule?: string | null;
  /** Takes the place of the model's scheduler configuration. */
  readonly scheduler?: Settings;
  readonly eta?: number;
  readonly rng?: RandomName;
  /** Layers of the text encoder as A1111 counts them: 1 skips none. */
  readonly clipSkip?: number;
  /** The same for the negative prompt, where it differs. */
  readonly negativeClipSkip?: number;
  readonly sizes?: SizeConditions;
  /** Start noise N(0, 1), [n, channels, height, width] of latents, instead of drawing it. */
  readonly latents?: HostArray | null;
  /** Stops even within a step; the recipe then throws the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A request in which everything is decided. */
export interface CompleteRequest {
  readonly prompts: readonly string[];
  readonly seeds: readonly number[];
  readonly negative: string | null;
  readonly steps: number;
  readonly guidance: number;
  readonly guidanceRescale: number;
  readonly width: number;
  readonly height: number;
  readonly sampler: string | null;
  readonly schedule: string | null;
  readonly scheduler: Settings | null;
  readonly eta: number;
  readonly rng: RandomName;
  readonly clipSkip: number;
  readonly negativeClipSkip: number;
  readonly sizes: Required<SizeConditions>;
  readonly latents: HostArray | null;
  readonly signal: AbortSignal | null;
}

/** What a model draws when nobody says otherwise, and what it can: its maker's word, else its family's. */
export interface ModelDefaults {
  readonly negative: string | null;
  readonly sampler: string | null;
  readonly schedule: string | null;
  readonly steps: number;
  readonly guidance: number;
  readonly width: number;
  readonly height: number;
  /** Pixels per latent, both ways. */
  readonly factor: number;
}

/** Fills in and checks a request. */
export function completeRequest(
  request: TextToImageRequest,
  model: ModelDefaults,
): CompleteRequest {
  const { count = 1, seed = 0, clipSkip = 1 } = request;
  const given = typeof request.prompt === "string" ? [request.prompt] : request.prompt;
  if (given.length === 0) throw new RequestError("prompt", "needs at least one text, got none");
  const seeds = seedsOf(seed, { prompts: given.length, count });
  const prompts = given.flatMap((prompt) => Array<string>(count).fill(prompt));
  const { width = model.width, height = model.height } = request;
  size("width", width, model);
  size("height", height, model);
  const steps = whole("steps", request.steps ?? model.steps, 1);
  const { original, crop, target } = request.sizes ?? {};
  return {
    prompts,
    seeds,
    negative: request.negative ?? model.negative,
    steps,
    guidance: number("guidance", request.guidance ?? model.guidance, 1000),
    guidanceRescale: number("guidance-rescale", request.guidanceRescale ?? 0, 1),
    width,
    height,
    ...completeSampler(request, model),
    scheduler: request.scheduler ?? null,
    ...completeNoise(request),
    clipSkip,
    negativeClipSkip: request.negativeClipSkip ?? clipSkip,
    sizes: {
      original: original ?? [height, width],
      crop: crop ?? [0, 0],
      target: target ?? [height, width],
    },
    latents: request.latents ?? null,
    signal: request.signal ?? null,
  };
}

/** The model's own sampler and schedule, unless the request names a sampler or brings a scheduler. */
export function completeSampler(
  { sampler, schedule, scheduler }: Pick<TextToImageRequest, "sampler" | "schedule" | "scheduler">,
  model: Pick<ModelDefaults, "sampler" | "schedule">,
): { sampler: string | null; schedule: string | null } {
  const own = (sampler ?? null) === null && !scheduler ? model : null;
  return {
    sampler: sampler ?? own?.sampler ?? null,
    schedule: schedule ?? own?.schedule ?? null,
  };
}

/** η and the generator of noise, checked. */
export function completeNoise({
  eta = 0,
  rng = "torch",
}: Pick<TextToImageRequest, "eta" | "rng">): { eta: number; rng: RandomName } {
  if (!randomNames.includes(rng))
    throw new RequestError("rng", `must be ${randomNames.join(" or ")}, got "${String(rng)}"`);
  return { eta: number("eta", eta, 1), rng };
}

/** Throws RequestError where η is asked of a scheduler class that knows none. */
export function checkEta(eta: number, className: string): void {
  if (eta > 0 && className !== "DDIMScheduler")
    throw new RequestError("eta", `is DDIM's alone, and the sampler is ${className}`, {
      hint: "add the sampler DDIM, or leave it out",
    });
}

/** More pictures than anybody waits for; the lists that describe them still fit into memory. */
const mostPictures = 1e6;

/** The seed of each picture, one after another; throws RequestError where there are none, too many or too large ones. */
export function seedsOf(
  seed: number,
  { prompts = 1, count }: { prompts?: number; count: number },
): number[] {
  whole("count", count, 1, Math.floor(mostPictures / prompts));
  const pictures = prompts * count;
  whole("seed", seed, 0, Number.MAX_SAFE_INTEGER - (pictures - 1));
  return Array.from({ length: pictures }, (_, i) => seed + i);
}

/** The value, if it is a whole number in its range; else throws RequestError. */
export function whole(
  field: string,
  value: number,
  least: number,
  most = Number.MAX_SAFE_INTEGER,
): number {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
  const range = value > most ? `from ${least} to ${most}` : `from ${least}`;
  throw new RequestError(field, `must be a whole number ${range}, got ${value}`);
}

function number(field: string, value: number, most: number): number {
  if (value >= 0 && value <= most) return value;
  throw new RequestError(field, `must be a number from 0 to ${most}, got ${value}`);
}

/** Pixels of a side beyond which nobody's memory goes; what is smaller and still too much is weighed later. */
const longestSide = 2 ** 16;

function size(field: "width" | "height", value: number, model: ModelDefaults): void {
  const { factor } = model;
  // First: a multiple near a side without measure would be no advice.
  if (value > longestSide)
    throw new RequestError(field, `must be at most ${longestSide}, got ${value}`, {
      hint: `this model was made for ${model[field]}`,
    });
  if (Number.isInteger(value) && value > 0 && value % factor === 0) return;
  const below = Math.max(Math.floor(value / factor) * factor, factor);
  const hint = Number.isFinite(value)
    ? { hint: `${below} and ${below + factor} are possible` }
    : {};
  throw new RequestError(
    field,
    `must be a multiple of ${factor} for this model, got ${value}`,
    hint,
  );
}
