/** @file How much work a graph is, counted before it is compiled. */
import { sizeOf } from "../../base/index.ts";
import type { Graph, Node, OpName } from "../../tensor/index.ts";

/** Multiplications with an addition, by op; all others together are a few hundredths of a network's work. */
const counts: Partial<Readonly<Record<OpName, (node: Node) => number>>> = {
  Conv: ({ inputs, outputs }) => sizeOf(outputs[0].shape) * kernelSize(inputs[1]),
  ConvTranspose: ({ inputs }) => sizeOf(shapeOf(inputs[0])) * kernelSize(inputs[1]),
  MatMul: ({ inputs, outputs }) => sizeOf(outputs[0].shape) * width(inputs[0]),
  Linear: ({ inputs, outputs }) => sizeOf(outputs[0].shape) * width(inputs[0]),
  // Scores, then the mix of values: every query meets every key in both.
  Attention: ({ inputs: [q, k, v] }) => {
    const [rows, queries] = shapeOf(q);
    return rows * queries * shapeOf(k)[1] * (width(q) + width(v));
  },
};

/** Multiply-adds of one run. */
export function multiplyAdds({ nodes }: Pick<Graph, "nodes">): number {
  return nodes.reduce((sum, node) => sum + (counts[node.op]?.(node) ?? 0), 0);
}

type Operand = Node["inputs"][number] | undefined;

function shapeOf(tensor: Operand): readonly number[] {
  return tensor?.shape ?? [];
}

const width = (tensor: Operand): number => shapeOf(tensor).at(-1) ?? 0;

/** What of a kernel one number meets: all but its first axis. */
const kernelSize = (weight: Operand): number => sizeOf(shapeOf(weight).slice(1));
