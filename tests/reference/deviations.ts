/** @file Where limn is known to give other numbers than PyTorch: the one table of it, with the reason and how far it may go. */

interface Deviation {
  readonly engine: "ort" | "openvino" | "wasm" | "webgpu" | "any";
  readonly precision: "f32" | "bf16";
  /** `ops/CASE`, or `networks/MODEL/CASE`: a case of tests/goldens or of the folder of all goldens. */
  readonly case: string;
  /** Largest difference in f32, or least signal-to-noise ratio in bf16; what must differ, however far; what is not there. */
  readonly allowed:
    { readonly within: number } | { readonly decibels: number } | "differs" | "absent";
  readonly reason: string;
}

const roundsTwice = "WebAssembly rounds after the product and after the sum, native kernels once";
const untrained = "random weights; PyTorch 2.9's autocast to bf16 gets";

/** Each row is needed: the suites fail where one that is listed does not deviate, and where one deviates that is not listed. */
export const deviations: readonly Deviation[] = [
  {
    engine: "openvino",
    precision: "f32",
    case: "ops/cast f16",
    allowed: "differs",
    reason: "between f32 nodes an f16 value stays f32: more exact, never coarser",
  },
  {
    engine: "openvino",
    precision: "f32",
    case: "ops/cast bf16",
    allowed: "differs",
    reason: "a subnormal bf16 number becomes 0",
  },
  {
    engine: "webgpu",
    precision: "f32",
    case: "ops/cast f16",
    allowed: "differs",
    reason: "the adapter in software has no shader-f16",
  },
  {
    engine: "webgpu",
    precision: "f32",
    case: "ops/cast bf16",
    allowed: "differs",
    reason: "WebGPU has no bf16, and limn asks it for none",
  },
  {
    engine: "wasm",
    precision: "f32",
    case: "networks/sd2-v/vae.encode.square",
    allowed: { within: 3e-4 },
    reason: roundsTwice,
  },
  {
    engine: "wasm",
    precision: "f32",
    case: "networks/x4-upscaler/vae.encode.square",
    allowed: { within: 3e-4 },
    reason: roundsTwice,
  },
  {
    engine: "openvino",
    precision: "bf16",
    case: "networks/sd1/unet.batch",
    allowed: { decibels: 33 },
    reason: `${untrained} 32.8 dB`,
  },
  {
    engine: "openvino",
    precision: "bf16",
    case: "networks/sd1-pix2pix/unet.int",
    allowed: { decibels: 34 },
    reason: `${untrained} 36.5 dB`,
  },
  {
    engine: "openvino",
    precision: "bf16",
    case: "networks/sd2-v/unet.float",
    allowed: { decibels: 33 },
    reason: `${untrained} 34.4 dB`,
  },
  {
    engine: "openvino",
    precision: "bf16",
    case: "networks/sd2-v/unet.wide",
    allowed: { decibels: 33 },
    reason: `${untrained} 30.8 dB`,
  },
  {
    engine: "any",
    precision: "f32",
    case: "networks/controlnet/controlnet.square",
    allowed: "absent",
    reason: "limn has no ControlNet yet",
  },
  {
    engine: "any",
    precision: "f32",
    case: "networks/controlnet/controlnet.wide",
    allowed: "absent",
    reason: "limn has no ControlNet yet",
  },
];

/** What an engine is allowed on a case, and why; null where it must match. */
export function deviationOf(
  { engine, precision = "f32" }: { engine: string; precision?: "f32" | "bf16" },
  name: string,
): Deviation | null {
  const isIt = (one: Deviation) =>
    (one.engine === engine || one.engine === "any") &&
    one.precision === precision &&
    one.case === name;
  return deviations.find(isIt) ?? null;
}
