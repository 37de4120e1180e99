/** @file Checks that a graph is well formed: run after every pass and before lowering. */
import { assert } from "../base/index.ts";
import type { Graph } from "./graph.ts";
import type { Attrs, Inputs, OpName } from "./ops.ts";
import { shapeRules } from "./shapes.ts";
import type { Node } from "./tensor.ts";
import type { Operand, TensorType } from "./type.ts";

function inferred<K extends OpName>(node: Node<K>): readonly TensorType[] {
  const rule = shapeRules[node.op] as (inputs: Inputs<K, Operand>, attrs: Attrs<K>) => TensorType[];
  return rule(node.inputs as unknown as Inputs<K, Operand>, node.attrs);
}

/** Throws `internal:` unless nodes come after their inputs, types follow the rules, and outputs exist. */
export function verify(graph: Graph): void {
  const seen = new Set<Node>();
  for (const node of graph.nodes) {
    for (const input of node.inputs)
      assert(!input || seen.has(input.node), `${node.op} in ${node.scope} uses a later node`);
    const types = inferred(node);
    assert(
      JSON.stringify(types) === JSON.stringify(node.types),
      `${node.op} in ${node.scope} claims ${JSON.stringify(node.types)}, its inputs give ${JSON.stringify(types)}`,
    );
    assert(node.outputs.length === types.length, `${node.op} has ${node.outputs.length} outputs`);
    seen.add(node);
  }
  for (const [name, tensor] of graph.outputs)
    assert(seen.has(tensor.node), `output ${name} is no node of the graph`);
}
