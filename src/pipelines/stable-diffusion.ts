/** @file Stable Diffusion 1, 2 and XL as one object: text encoders, UNet and decoder, compiled when first needed. */
import { hostArray, type HostArray } from "../base/index.ts";
import type { Image } from "../formats/index.ts";
import type { AutoencoderKL, UNet2DConditionModel } from "../models/index.ts";
import { value, type Value } from "../runtime/index.ts";
import { guides, parseSchedulerConfig, schedulerFrom, withSampler } from "../schedulers/index.ts";
import type { Scheduler, Settings } from "../schedulers/index.ts";
import { graphOf, input, type Graph, type Tensor } from "../tensor/index.ts";
import { conditioningOf, zeroText, type Conditioning } from "./conditioning.ts";
import { multiplyAdds } from "./programs/cost.ts";
import { memoryOfRun, type GraphRunner, type Weights } from "./programs/graph-runner.ts";
import { toImages } from "./image.ts";
import { predictorOf, runOptions, type Predictor } from "./network.ts";
import type { KnownThing } from "./recommendations.ts";
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
  /** All that it can draw, where its maker lists that. */
  readonly knows: readonly KnownThing[] | null;
}

/** What drawing takes, foreseen. */
export interface Cost {
  readonly multiplyAdds: number;
  /** Bytes beside the weights. */
  readonly memory: number;
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
    const { unetWeights: weights } = this.parts;
    const { guided, states, pooled, timeIds } = conditioning;
    const constants: Record<string, Value> = { states: value(states.data, states.shape) };
    if (pooled && timeIds) {
      constants.pooled = value(pooled.data, pooled.shape);
      constants.time_ids = value(timeIds.data, timeIds.shape);
    }
    const latents = this.latentShape(request);
    const trace = () => this.#traceUnet(latents, constants);
    const { width, height, guidance: scale, guidanceRescale: rescale, signal } = request;
    const what = `the UNet for ${latents[0]} × ${width}×${height}`;
    return predictorOf(
      this.runner,
      { what, weights, trace, constants },
      { guidance: guided ? { scale, rescale } : null, signal },
    );
  }

  /** Throws where the decoder will find no memory beside the UNet: better before the steps than after them. */
  async foreseeDecoder(request: CompleteRequest, pending: number): Promise<void> {
    const { width, height } = request;
    const what = `decoding ${width}×${height}`;
    const graph = this.#decoder(this.latentShape(request));
    await this.runner.foresee(what, graph, { weights: this.parts.vaeWeights, pending });
  }

  /** What one batch of a request takes, counted on the graphs; nothing is compiled. */
  cost(request: CompleteRequest): Cost {
    const { parts } = this;
    const [images, ...latent] = this.latentShape(request);
    const rows = guides(request.guidance) ? 2 * images : images;
    const tokens = parts.encoders[0].tokenizer.maxLength;
    const { addition, levels } = parts.unet.config;
    const added = addition?.kind === "text_time" ? addition : null;
    const output = this.#traceUnet([images, ...latent], {
      states: { shape: [rows, tokens, levels[0].contextWidth] },
      ...(added && {
        pooled: { shape: [rows, added.inputWidth - 6 * added.timeIdWidth] },
        time_ids: { shape: [rows, 6] },
      }),
    });
    const [unet, decoder] = [graphOf({ output }), this.#decoder([images, ...latent])];
    return {
      multiplyAdds: request.steps * multiplyAdds(unet) + images * multiplyAdds(decoder),
      memory: memoryOfRun(unet) + memoryOfRun(decoder),
    };
  }

  #traceUnet(
    sample: readonly number[],
    { states, pooled, time_ids }: Readonly<Record<string, { readonly shape: readonly number[] }>>,
  ): Tensor {
    return this.parts.unet.call(
      input("sample", sample),
      input("timestep", [sample[0]]),
      input("states", states.shape),
      pooled && time_ids
        ? { textEmbeds: input("pooled", pooled.shape), timeIds: input("time_ids", time_ids.shape) }
        : {},
    );
  }

  /** The decoder of one picture of a batch. */
  #decoder([, ...latent]: readonly number[]): Graph {
    const { vae } = this.parts;
    const { scalingFactor, shiftFactor } = vae.config;
    const z = input("latents", [1, ...latent]).div(scalingFactor);
    return graphOf({ picture: vae.decode(shiftFactor === 0 ? z : z.add(shiftFactor)) });
  }

  /** Latents [n, c, h, w] to pictures. */
  async decode(latents: HostArray, signal: AbortSignal | null = null): Promise<Image[]> {
    const images: Image[] = [];
    for await (const picture of this.decoded(latents, signal)) images.push(...toImages(picture));
    return images;
  }

  /** What the decoder makes of latents, [1, 3, H, W] in about [-1, 1], one by one: it is what needs the most memory. */
  async *decoded(latents: HostArray, signal: AbortSignal | null): AsyncGenerator<HostArray> {
    const [count, ...rest] = latents.shape;
    const graph = this.#decoder(latents.shape);
    await using lease = await this.runner.borrow("the decoder", graph, this.parts.vaeWeights);
    const size = latents.data.length / count;
    for (let i = 0; i < count; i++) {
      const one = value(latents.data.subarray(i * size, (i + 1) * size), [1, ...rest]);
      const { picture } = await lease.program.run({ latents: one }, runOptions(signal));
      yield hostArray(picture.data as Float32Array, picture.shape);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runner[Symbol.asyncDispose]();
  }
}
