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
