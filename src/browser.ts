/** @file The root export where there is no Node.js: all of `index.ts` but what opens files. */
export {
  EngineError,
  FormatError,
  LimnError,
  RequestError,
  ShapeError,
  WeightError,
  type HostArray,
} from "./base/index.ts";
export { encodePng, type Image } from "./formats/index.ts";
export {
  finish,
  PixelDiffusion,
  StableDiffusion,
  textToImage,
  unconditional,
  type Generation,
  type GenerationStep,
  type TextToImageRequest,
  type UnconditionalRequest,
} from "./pipelines/index.ts";
