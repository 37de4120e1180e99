/**
 * @file The part of a graph that 16 bits would spoil: what is made of inputs alone, by way of an op that asks for more
 * digits than bf16 has. A time step of 999 is 1000 there, so its sinusoids would be another step's, and a token's id
 * of 49407 is 49408, so its place would be another token's.
 */
import type { Graph, Node, OpName, Tensor } from "../../tensor/index.ts";

const fragile: ReadonlySet<OpName> = new Set<OpName>([
  ...(["Sin", "Cos", "ArgMax", "TopK", "Floor", "Round", "Equal", "Greater", "Less"] as const),
]);

/** Tensors to be computed in f32 beforehand, by the names under which the rest of the graph is given them. */
export function exactPart(graph: Graph): ReadonlyMap<Tensor, string> {
  const fromInputs = new Set<Node>();
  const spoilt = new Set<Node>();
  const wanted = new Set<Node>();
  for (const node of graph.nodes) {
    const sources = node.inputs.flatMap((x) => (x ? [x.node] : []));
    const leaf = node.op === "Input" || node.op === "Constant";
    if (leaf || (sources.length > 0 && sources.every((source) => fromInputs.has(source))))
      fromInputs.add(node);
    if (fromInputs.has(node) && (fragile.has(node.op) || sources.some((s) => spoilt.has(s))))
      spoilt.add(node);
    else for (const source of sources) if (spoilt.has(source)) wanted.add(source);
  }
  for (const { node } of graph.outputs.values()) if (spoilt.has(node)) wanted.add(node);
  const tensors = [...wanted].flatMap(({ outputs }) => outputs);
  return new Map(tensors.map((tensor, i) => [tensor, `exact:${i}`]));
}
