/** @file How much memory a graph will take, foreseen before it is compiled. */
import { dtypeBytes, EngineError, sizeOf } from "../../base/index.ts";
import type { Graph, Node, Tensor } from "../../tensor/index.ts";

/** Bytes of a graph's numbers. */
export interface MemoryEstimate {
  /** The most that intermediate results take together, each living from its making to its last use. */
  readonly activations: number;
  readonly weights: number;
}

/** Ops whose result is the same memory under another shape. */
const views = new Set(["Reshape"]);

function bytesOf({ dtype, shape }: Tensor): number {
  return sizeOf(shape) * dtypeBytes[dtype];
}

/** The memory of one run, by liveness over the graph's order. */
export function estimateMemory(graph: Graph): MemoryEstimate {
  const owner = (tensor: Tensor): Tensor =>
    views.has(tensor.node.op) && tensor.node.inputs[0] ? owner(tensor.node.inputs[0]) : tensor;
  const lastUse = new Map<Tensor, Node>();
  for (const node of graph.nodes)
    for (const tensor of node.inputs) if (tensor) lastUse.set(owner(tensor), node);
  const kept = new Set([...graph.outputs.values()].map(owner));
  const dying = new Map<Node, Tensor[]>();
  for (const [tensor, node] of lastUse)
    if (!kept.has(tensor)) dying.set(node, [...(dying.get(node) ?? []), tensor]);
  let [live, peak] = [0, 0];
  for (const node of graph.nodes) {
    if (!views.has(node.op) && node.op !== "Parameter")
      for (const tensor of node.outputs) live += bytesOf(tensor);
    peak = Math.max(peak, live);
    for (const tensor of dying.get(node) ?? [])
      if (tensor.node.op !== "Parameter") live -= bytesOf(tensor);
  }
  const weights = graph.nodes
    .filter(({ op }) => op === "Parameter" || op === "Constant")
    .reduce((sum, node) => sum + bytesOf(node.outputs[0]), 0);
  return { activations: peak, weights };
}

/** Bytes as people read them: 1.5 GB. */
export function showBytes(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const power = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), units.length - 1);
  const scaled = bytes / 1000 ** power;
  return `${scaled >= 100 || power === 0 ? Math.round(scaled) : scaled.toFixed(1)} ${units[power]}`;
}

/** Throws when `needed` bytes are more than there are; null means that nobody knows how many there are. */
export function requireMemory(what: string, needed: number, available: number | null): void {
  if (available === null || needed <= available) return;
  throw new EngineError(
    `${what} needs about ${showBytes(needed)} of memory, but only ${showBytes(available)} are free`,
    { hint: "make the picture or the batch smaller, or free memory" },
  );
}
