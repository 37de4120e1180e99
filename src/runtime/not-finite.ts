/** @file Numbers that are no numbers: finding what made the first one. */
import { assert } from "../base/index.ts";
import { graphOf, type Graph, type Node, type Tensor } from "../tensor/index.ts";
import type { Value } from "./engine.ts";

/** Whether every number is finite. */
export function isFiniteArray(data: ArrayLike<number>): boolean {
  for (let i = 0; i < data.length; i++) if (!Number.isFinite(data[i])) return false;
  return true;
}

/** What made the first number that is not finite. */
export type NotFinite =
  /** It was given: an input, or a weight bound as an input. */
  | { readonly kind: "input" | "weight"; readonly name: string }
  /** A node of the module at path `name` made it (empty outside any module). */
  | { readonly kind: "node"; readonly name: string; readonly op: string };

/** Nodes that depend on something given: an infinity written into the graph itself is meant. */
function computedNodes({ nodes }: Graph): Node[] {
  const live = new Set<Node>();
  const computed: Node[] = [];
  for (const node of nodes) {
    const given = node.op === "Input" || node.op === "Parameter";
    if (!given && !node.inputs.some((x) => x && live.has(x.node))) continue;
    live.add(node);
    if (!given) computed.push(node);
  }
  return computed;
}

/** Tensors that leave the module they were made in, in the order of their making. */
function leaving(graph: Graph): Tensor[] {
  const left = new Set<Tensor>(graph.outputs.values());
  for (const node of graph.nodes)
    for (const x of node.inputs) if (x && x.node.scope !== node.scope) left.add(x);
  return computedNodes(graph)
    .flatMap(({ outputs }) => outputs)
    .filter((y) => y.dtype === "f32" && left.has(y));
}

function brokenInput(
  { inputs, parameters }: Graph,
  given: Readonly<Record<string, Value>>,
): NotFinite | null {
  for (const [kind, leaves] of [
    ["input", inputs],
    ["weight", parameters],
  ] as const)
    for (const { dtype, label = "" } of leaves) {
      const value = given[label] as Value | undefined;
      if (dtype === "f32" && value && !isFiniteArray(value.data as Float32Array))
        return { kind, name: label };
    }
  return null;
}

/** What the graph was given, and how to run another graph of the same inputs and weights. */
export interface Rerun {
  readonly inputs: Readonly<Record<string, Value>>;
  run(this: void, graph: Graph): Promise<Readonly<Record<string, Value>>>;
}

/**
 * The first value of a graph that is not finite, in the order of computing, or null. Runs the graph once more with every
 * tensor that leaves a module as an output: dear, for use after a failure only.
 */
export async function firstNotFinite(
  graph: Graph,
  { inputs, run }: Rerun,
): Promise<NotFinite | null> {
  const broken = brokenInput(graph, inputs);
  if (broken) return broken;
  const watched = leaving(graph);
  if (watched.length === 0) return null;
  const looking = graphOf(Object.fromEntries(watched.map((tensor, i) => [String(i), tensor])));
  const values = await run(looking);
  const found = watched.find((_, i) => {
    const value = values[String(i)] as Value | undefined;
    assert(value, `watched tensor ${i} is missing`);
    return !isFiniteArray(value.data as Float32Array);
  });
  return found ? { kind: "node", name: found.node.scope, op: found.node.op } : null;
}
