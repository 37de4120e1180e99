/** @file Unconditional diffusion on pixels as one object: DDPM's folders of a UNet2DModel and a scheduler. */
import { RequestError, type HostArray } from "../base/index.ts";
import type { Image } from "../formats/index.ts";
import type { UNet2DModel } from "../models/index.ts";
import { parseSchedulerConfig, schedulerFrom, withSampler } from "../schedulers/index.ts";
import type { Scheduler, Settings } from "../schedulers/index.ts";
import { input } from "../tensor/index.ts";
import type { GraphRunner, Weights } from "./programs/graph-runner.ts";
import { toImages } from "./image.ts";
import { predictorOf, type Predictor } from "./network.ts";
import { completeSampler, type ModelDefaults } from "./request.ts";

/** The network and settings of a model folder. */
export interface PixelDiffusionParts {
  readonly name: string;
  readonly unet: UNet2DModel;
  readonly unetWeights: Weights;
  readonly scheduler: Settings;
  readonly defaults: Pick<ModelDefaults, "steps" | "sampler" | "schedule">;
  /** Pixels, [height, width]. */
  readonly size: readonly [number, number];
  readonly remarks: readonly string[];
}

/** A loaded model. Holds native memory until disposed. */
export class PixelDiffusion implements AsyncDisposable {
  readonly parts: PixelDiffusionParts;
  readonly runner: GraphRunner;
  constructor(parts: PixelDiffusionParts, runner: GraphRunner) {
    if (parts.unet.config.classes !== null)
      throw new RequestError("model", `${parts.name} draws by class, which limn cannot do yet`);
    this.parts = parts;
    this.runner = runner;
  }

  scheduler(request: UnconditionalRequest): Scheduler {
    const names = completeSampler(request, this.parts.defaults);
    const settings = withSampler(request.scheduler ?? this.parts.scheduler, names);
    return schedulerFrom(parseSchedulerConfig(settings));
  }

  /** [count, channels, height, width]. */
  shape(count: number): readonly number[] {
    return [count, this.parts.unet.config.inChannels, ...this.parts.size];
  }

  async predictor(count: number, signal: AbortSignal | null): Promise<Predictor> {
    const { unet: module, unetWeights: weights } = this.parts;
    const trace = () => module.call(input("sample", this.shape(count)), input("timestep", [count]));
    const what = `the UNet for ${count} pictures`;
    return predictorOf(
      this.runner,
      { what, weights, trace, constants: {} },
      {
        guidance: null,
        signal,
      },
    );
  }

  decode(x: HostArray): Image[] {
    return toImages(x);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.runner[Symbol.asyncDispose]();
  }
}

/** A wish for pictures of whatever the model knows. */
export interface UnconditionalRequest {
  /** As many as DDPM was trained with when left out, 1000; fewer are faster. */
  readonly steps?: number;
  /** Picture i is drawn from seed + i. */
  readonly seed?: number;
  readonly count?: number;
  readonly sampler?: string | null;
  readonly schedule?: string | null;
  /** Takes the place of the model's scheduler configuration. */
  readonly scheduler?: Settings;
  readonly eta?: number;
  /** DDIM: whether the noise that leads on is the network's or the one that agrees with the clipped picture. */
  readonly noiseFrom?: "output" | "denoised";
  readonly rng?: "torch" | "philox";
  /** Start noise N(0, 1), [n, channels, height, width]. */
  readonly latents?: HostArray | null;
  /** Stops even within a step; the recipe then throws the signal's reason. */
  readonly signal?: AbortSignal;
}
