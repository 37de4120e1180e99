/** @file The face of pipelines/: models that draw, and the recipes that draw with them. */
export { finish, type Generation, type GenerationStep } from "./generation.ts";
export { GraphRunner, type RunnerOptions, type Weights } from "./programs/graph-runner.ts";
export { toImages } from "./image.ts";
export { load, loadUnconditional, type LoadOptions } from "./loading/load.node.ts";
export { machineMemory, type MachineMemory } from "./programs/memory.node.ts";
export { estimateMemory, showBytes, type MemoryEstimate } from "./programs/memory.ts";
export { defaultSteps, type ModelKind } from "./model-kind.ts";
export { PerImageRandom, type RandomName } from "./per-image-random.ts";
export {
  PixelDiffusion,
  type PixelDiffusionParts,
  type UnconditionalRequest,
} from "./pixel-diffusion.ts";
export {
  checkEta,
  completeNoise,
  completeRequest,
  completeSampler,
  seedsOf,
  whole,
  type CompleteRequest,
  type ModelDefaults,
  type SizeConditions,
  type TextToImageRequest,
} from "./request.ts";
export { readRecommendations } from "./recommendations.node.ts";
export { parseRecommendations, type KnownThing, type Recommendations } from "./recommendations.ts";
export type { Predictor } from "./network.ts";
export { StableDiffusion, type StableDiffusionParts } from "./stable-diffusion.ts";
export { checkNoise, checkNoiseShape } from "./start-noise.ts";
export { leftOut } from "./text-encoding.ts";
export { textToImage } from "./text-to-image.ts";
export { unconditional } from "./unconditional.ts";
