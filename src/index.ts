/**
 * @file limn for programs: open a model, draw, save. What is exported here changes only with the major version; the
 * parts (`limn/tensor`, `limn/schedulers`, …) may change until 1.0.
 */
export {
  EngineError,
  FormatError,
  LimnError,
  RequestError,
  ShapeError,
  WeightError,
  type HostArray,
} from "./base/index.ts";
export { encodePng, readImage, type Image } from "./formats/index.ts";
export {
  finish,
  PixelDiffusion,
  StableDiffusion,
  textToImage,
  unconditional,
  type Generation,
  type GenerationStep,
  type LoadOptions,
  type TextToImageRequest,
  type UnconditionalRequest,
} from "./pipelines/index.ts";
export { load, loadUnconditional, openEngine } from "./service/index.ts";
