/** @file The face of base/: values, errors and randomness without any domain. */
import "./disposal.ts";
export { hostArray, sizeOf, type HostArray } from "./array.ts";
export { dtypeBytes, type DType } from "./dtype.ts";
export {
  assert,
  EngineError,
  FormatError,
  LimnError,
  NotFiniteError,
  RequestError,
  ShapeError,
  WeightError,
} from "./errors.ts";
export { bf16Bits, bf16OfBits, f16Bits, f16OfBits, fromBf16Bits, fromF16Bits } from "./float16.ts";
export { JobQueue, type Stopped } from "./job-queue.ts";
export { inert, inertJson, listed, quote, shown } from "./quote.ts";
export type { Random } from "./random.ts";
export { keyedRandom } from "./random-keyed.ts";
export { PhiloxRandom } from "./random-philox.ts";
export { fromSentError, toSentError, type SentError } from "./sent-error.ts";
export { sha256 } from "./sha256.ts";
export { peakSignalToNoise, signalToNoise } from "./signal-to-noise.ts";
export { emptyValues, type Values } from "./values.ts";
export { TorchRandom, type NoiseType } from "./random-torch.ts";
export { systemReason, type SystemReason } from "./system-error.ts";
export { cacheFolderOf, dataFolderOf, userSystem, type UserSystem } from "./user-folders.ts";
