/** @file The face of models/: the networks and their configs. */
export type { Report } from "./config-reader.ts";
export { parseClipTextConfig, printClipTextConfig, type ClipTextConfig } from "./clip/config.ts";
export {
  CLIPTextModel,
  CLIPTextModelWithProjection,
  type ClipTextOutput,
} from "./clip/text-model.ts";
export { UNet2DConditionModel, type AddedConditions } from "./unet/conditional.ts";
export {
  parseUnetConfig,
  printUnetConfig,
  type Addition,
  type UnetConfig,
  type UnetLevel,
} from "./unet/config.ts";
export {
  parseUnconditionalUnetConfig,
  printUnconditionalUnetConfig,
  type UnconditionalLevel,
  type UnconditionalUnetConfig,
} from "./unet/unconditional-config.ts";
export { UNet2DModel } from "./unet/unconditional.ts";
export { AutoencoderKL, type LatentDistribution } from "./vae/autoencoder.ts";
export { parseVaeConfig, printVaeConfig, type VaeConfig } from "./vae/config.ts";
