/** @file Where an engine is known to give other numbers than PyTorch, and why that is let pass. */

interface Deviation {
  readonly engine: string;
  /** A case of goldens/ops. */
  readonly op: string;
  readonly reason: string;
}

const deviations: readonly Deviation[] = [
  {
    engine: "openvino",
    op: "cast f16",
    reason: "between f32 nodes an f16 value stays f32: more exact, never coarser",
  },
  { engine: "openvino", op: "cast bf16", reason: "a subnormal bf16 number becomes 0" },
  { engine: "webgpu", op: "cast f16", reason: "the adapter in software has no shader-f16" },
  { engine: "webgpu", op: "cast bf16", reason: "WebGPU has no bf16, and limn asks it for none" },
];

/** Why an engine need not match a case; null where it must. */
export function deviationOf(engine: string, op: string): string | null {
  return deviations.find((one) => one.engine === engine && one.op === op)?.reason ?? null;
}

interface LoudNetwork {
  readonly network: string;
  readonly case: string;
  /** Its error in bf16 is at least so far below the output. */
  readonly decibels: number;
  readonly reason: string;
}

const untrained = "random weights; PyTorch 2.9's autocast to bf16 gets";

const loudNetworks: readonly LoudNetwork[] = [
  { network: "sd1", case: "unet.batch", decibels: 33, reason: `${untrained} 32.8 dB` },
  { network: "sd1-pix2pix", case: "unet.int", decibels: 34, reason: `${untrained} 36.5 dB` },
  { network: "sd2-v", case: "unet.float", decibels: 33, reason: `${untrained} 34.4 dB` },
  { network: "sd2-v", case: "unet.wide", decibels: 33, reason: `${untrained} 30.8 dB` },
];

/** What is asked of a tiny network in bf16 instead of the usual, and why; null where nothing is. */
export function loudNetwork(network: string, name: string): LoudNetwork | null {
  return loudNetworks.find((one) => one.network === network && one.case === name) ?? null;
}
