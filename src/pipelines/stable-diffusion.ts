/** @file Stable Diffusion 1, 2 and XL as one object: text encoders, UNet and decoder, compiled when first needed. */
import { hostArray, type HostArray } from "../base/index.ts";
import type { Image } from "../formats/index.ts";
import type { AutoencoderKL, UNet2DConditionModel } from "../models/index.ts";
import { value, type Value } from "../runtime/index.ts";
import { guides, parseSchedulerConfig, schedulerFrom, withSampler } from "../schedulers/index.ts";
import type { Scheduler, Settings } from "../schedulers/index.ts";
import { graphOf, input } from "../tensor/index.ts";
import { conditioningOf, zeroText, type Conditioning } from "./conditioning.ts";
import type { GraphRunner, Weights } from "./graph-runner.ts";
import { toImages } from "./image.ts";
import { predictorOf, runOptions, type Predictor } from "./network.ts";
import type { CompleteRequest, ModelDefaults } from "./request.ts";
import { encodeText, type EncodedText, type StateRule, type TextEncoder } from "./text-encoding.ts";

/** The networks and settings of a model folder. */
export interface StableDiffusionParts {
  readonly name: string;
  readonly encoders: readonly TextEncoder[];
  readonly stateRule: StateRule;
  /** Whether a negative prompt that is left out is all zeros (SDXL) instead of an empty text. */
  readonly zeroNegative: boolean;
  readonly unet: UNet2DConditionModel;
  readonly unetWeights: Weights;
  readonly vae: AutoencoderKL;
  readonly vaeWeights: Weights;
  /** The folder's scheduler_config.json. */
  readonly scheduler: Settings;
  readonly defaults: ModelDefaults;
  /** What is unusual about the folder, as sentences. */
  readonly remarks: readonly string[];
}

/** A loaded model. Holds native memory until disposed. */
export class StableDiffusion implements AsyncDisposable {
  readonly parts: StableDiffusionParts;
  readonly runner: GraphRunner;
  constructor(parts: StableDiffusionParts, runner: GraphRunner) {
    this.parts = parts;
    this.runner = runner;
  }

  /** The scheduler of a request: the folder's, changed as `from_config` does where a sampler is named. */
  scheduler({ scheduler, sampler, schedule }: CompleteRequest): Scheduler {
    const settings = withSampler(scheduler ?? this.parts.scheduler, { sampler, schedule });
    return schedulerFrom(parseSchedulerConfig(settings));
  }

  latentShape({ prompts, width, height }: CompleteRequest): readonly number[] {
    const { factor } = this.parts.defaults;
    return [prompts.length, this.parts.vae.config.latentChannels, height / factor, width / factor];
  }

  /** Encodes every text once and lays the rows out for the UNet. */
  async encode(request: CompleteRequest): Promise<Conditioning> {
    const { prompts, negative, clipSkip, negativeClipSkip, guidance, sizes } = request;
    const { encoders, stateRule: rule, zeroNegative, unet } = this.parts;
    const texts = new Map<string, EncodedText>();
    for (const prompt of new Set(prompts))
      texts.set(prompt, await encodeText(this.runner, encoders, prompt, { rule, clipSkip }));
    // Every prompt was encoded by the loop above.
    const positive = prompts.map((prompt) => texts.get(prompt) as EncodedText);
    const absent = async () =>
      zeroNegative && negative === null
        ? zeroText(positive[0])
        : encodeText(this.runner, encoders, negative ?? "", { rule, clipSkip: negativeClipSkip });
    const unwanted = guides(guidance) ? await absent() : null;
    const added = unet.config.addition?.kind === "text_time";
    const timeIds = [...sizes.original, ...sizes.crop, ...sizes.target];
    return conditioningOf(
      positive,
      unwanted && positive.map(() => unwanted),
      added ? timeIds : null,
    );
  }

  /** The UNet for these rows and this size, with guidance. */
  async predictor(request: CompleteRequest, conditioning: Conditioning): Promise<Predictor> {
    const { unet: module, unetWeights: weights } = this.parts;
    const { guided, states, pooled, timeIds } = conditioning;
    const [images, ...latent] = this.latentShape(request);
    const rows = guided ? 2 * images : images;
    const constants: Record<string, Value> = { states: value(states.data, states.shape) };
    if (pooled && timeIds) {
      constants.pooled = value(pooled.data, pooled.shape);
      constants.time_ids = value(timeIds.data, timeIds.shape);
    }
    const named = (name: string) => input(name, constants[name].shape);
    const trace = () =>
      module.call(
        input("sample", [rows, ...latent]),
        input("timestep", [rows]),
        named("states"),
        pooled && timeIds ? { textEmbeds: named("pooled"), timeIds: named("time_ids") } : {},
      );
    const { width, height, guidance: scale, guidanceRescale: rescale, signal } = request;
    const what = `the UNet for ${images} × ${width}×${height}`;
    return predictorOf(
      this.runner,
      { what, weights, trace, constants },
      { guidance: guided ? { scale, rescale } : null, signal },
    );
  }

  /** Latents [n, c, h, w] to pictures, one by one: the decoder is what needs the most memory. */
  async decode(latents: HostArray, signal: AbortSignal | null = null): Promise<Image[]> {
    const { vae, vaeWeights } = this.parts;
    const { scalingFactor, shiftFactor } = vae.config;
    const [count, ...rest] = latents.shape;
    const z = input("latents", [1, ...rest]).div(scalingFactor);
    const graph = graphOf({ picture: vae.decode(shiftFactor === 0 ? z : z.add(shiftFactor)) });
    await using lease = await this.runner.borrow("the decoder", graph, vaeWeights);
    const images: Image[] = [];
    const size = latents.data.length / count;
    for (let i = 0; i < count; i++) {
      const one = value(latents.data.subarray(i * size, (i + 1) * size), [1, ...rest]);
      const { picture } = await lease.program.run({ latents: one }, runOptions(signal));
      images.push(...toImages(hostArray(picture.data as Float32Array, picture.shape)));
    }
    return images;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runner[Symbol.asyncDispose]();
  }
}
