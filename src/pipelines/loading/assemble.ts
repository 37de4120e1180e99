/** @file An opened model folder, wherever it lies, made into an object that draws. */
import { WeightError } from "../../base/index.ts";
import type {
  Component,
  DiffusersFolder,
  TextEncoder as EncoderModule,
} from "../../checkpoints/index.ts";
import { jsonObject } from "../../formats/index.ts";
import { UNet2DConditionModel, UNet2DModel } from "../../models/index.ts";
import type { Settings } from "../../schedulers/index.ts";
import type { ClipTokenizer } from "../../text/index.ts";
import type { GraphRunner, Weights } from "../programs/graph-runner.ts";
import { defaultSteps } from "../model-kind.ts";
import { PixelDiffusion } from "../pixel-diffusion.ts";
import type { Recommendations } from "../recommendations.ts";
import { StableDiffusion } from "../stable-diffusion.ts";
import type { TextEncoder } from "../text-encoding.ts";

/** A network's place in the model and the places of its weights, by parameter path. */
export type Located = { readonly module: { readonly path: string } } & Pick<
  Component<EncoderModule>,
  "weights"
>;

/** A folder with all that is read of it. */
export interface OpenedModel {
  /** Names the model. */
  readonly name: string;
  readonly folder: DiffusersFolder;
  readonly recommendations: Recommendations;
  readonly readTokenizer: (folder: string) => Promise<ClipTokenizer>;
  /** Changes when any of these weights do. */
  readonly identify: (located: Located) => string;
}

/** Stable Diffusion 1, 2 or XL on a runner. Nothing is compiled yet. */
export async function assembleStableDiffusion(
  opened: OpenedModel,
  runner: GraphRunner,
): Promise<StableDiffusion> {
  const { name, folder, recommendations: own } = opened;
  const { path, unet, vae, textEncoder, pipeline } = folder;
  if (!(unet.module instanceof UNet2DConditionModel) || !vae || !textEncoder)
    throw new WeightError(`${path} is a ${pipeline}, not a text-to-image model`);
  checkChannels(path, unet.module.config.inChannels, vae.module.config.latentChannels);
  const xl = pipeline.startsWith("StableDiffusionXL");
  const factor = 2 ** (vae.module.config.channels.length - 1);
  const [height, width] = unet.module.config.sampleSize ?? [64, 64];
  return new StableDiffusion(
    {
      name,
      encoders: await textEncoders(opened),
      stateRule: xl ? "penultimate" : "last-normed",
      zeroNegative: xl && (folder.settings.get("force_zeros_for_empty_prompt") ?? true) === true,
      unet: unet.module,
      unetWeights: weightsOf(unet, opened),
      vae: vae.module,
      vaeWeights: weightsOf(vae, opened),
      scheduler: schedulerOf(folder),
      remarks: folder.remarks,
      knows: own.knows,
      defaults: {
        ...own,
        steps: own.steps ?? defaultSteps["text-to-image"],
        guidance: own.guidance ?? (xl ? 5 : 7.5),
        width: own.width ?? width * factor,
        height: own.height ?? height * factor,
        factor,
      },
    },
    runner,
  );
}

/** A network that sees more than latents wants a picture beside the words. */
function checkChannels(folder: string, sees: number, latents: number): void {
  if (sees === latents) return;
  throw new WeightError(
    `the UNet of ${folder} takes ${sees} channels, of which noisy latents are ${latents}: it wants a picture beside the words`,
    {
      hint: "inpainting, editing and upscaling models can be looked at with limn info, but not drawn with yet",
    },
  );
}

/** A UNet2DModel with its scheduler on a runner. Nothing is compiled yet. */
export function assemblePixelDiffusion(opened: OpenedModel, runner: GraphRunner): PixelDiffusion {
  const { name, folder, recommendations: own } = opened;
  const { path, unet, pipeline, remarks } = folder;
  if (!(unet.module instanceof UNet2DModel))
    throw new WeightError(`${path} is a ${pipeline}, not an unconditional model`);
  return new PixelDiffusion(
    {
      name,
      unet: unet.module,
      unetWeights: weightsOf(unet, opened),
      scheduler: schedulerOf(folder),
      defaults: { ...own, steps: own.steps ?? defaultSteps.unconditional },
      size: unet.module.config.sampleSize ?? [32, 32],
      remarks,
    },
    runner,
  );
}

/** A network's weights as a runner takes them. */
function weightsOf(located: Located, { folder, identify }: OpenedModel): Weights {
  return {
    identity: identify(located),
    bind: ({ path }) => {
      const stored = located.weights.get(path);
      if (!stored) throw new WeightError(`${folder.path} has no tensor for ${path}`);
      const { file, offset, dtype } = stored;
      return { kind: "file", file, offset, dtype };
    },
  };
}

/** Something that is different for another version of a file, for every weight file of a model. */
export async function versionsOf(
  { unet, vae, textEncoder, textEncoder2 }: DiffusersFolder,
  versionOf: (file: string) => Promise<string>,
): Promise<ReadonlyMap<string, string>> {
  const versions = new Map<string, string>();
  for (const part of [unet, vae, textEncoder, textEncoder2])
    for (const file of part ? filesOf(part) : []) versions.set(file, await versionOf(file));
  return versions;
}

/** Files that hold the weights of a network. */
export function filesOf({ weights }: Located): string[] {
  return [...new Set([...weights.values()].map(({ file }) => file))];
}

function schedulerOf({ path, scheduler }: DiffusersFolder): Settings {
  if (scheduler === null)
    throw new WeightError(`${path} has no scheduler`, {
      hint: "model_index.json names none; it needs one, and scheduler/scheduler_config.json",
    });
  return jsonObject(scheduler, `scheduler_config.json of ${path}`);
}

async function textEncoders(opened: OpenedModel): Promise<TextEncoder[]> {
  const { path, textEncoder, tokenizer, textEncoder2, tokenizer2 } = opened.folder;
  const pairs: [Component<EncoderModule> | null, string | null][] = [
    [textEncoder, tokenizer],
    [textEncoder2, tokenizer2],
  ];
  const found = pairs.flatMap(([encoder, folder]) => (encoder ? [{ encoder, folder }] : []));
  return Promise.all(
    found.map(async ({ encoder, folder }) => {
      if (folder === null) throw new WeightError(`${path} has a text encoder, but no tokenizer`);
      return {
        network: encoder.module,
        tokenizer: await opened.readTokenizer(folder),
        weights: weightsOf(encoder, opened),
      };
    }),
  );
}
