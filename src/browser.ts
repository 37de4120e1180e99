/** @file The root export where there is no Node.js: models are folders behind URLs. */
export {
  EngineError,
  FormatError,
  LimnError,
  RequestError,
  ShapeError,
  WeightError,
  type HostArray,
} from "./base/index.ts";
export { encodePng, type Image } from "./formats/browser.ts";
export {
  finish,
  load,
  loadUnconditional,
  openPainter,
  PixelDiffusion,
  servePainter,
  StableDiffusion,
  textToImage,
  unconditional,
  type Generation,
  type GenerationStep,
  type LoadOptions,
  type Painter,
  type TextToImageRequest,
  type UnconditionalRequest,
} from "./pipelines/browser.ts";
