/** @file A traced computation as a whole: what goes in, what comes out, and the nodes between, in order. */
import { assert } from "../base/index.ts";
import { Parameter, type Node, type Tensor } from "./tensor.ts";

/** A computation: named outputs and every node they need, inputs before users. */
export interface Graph {
  readonly outputs: ReadonlyMap<string, Tensor>;
  readonly nodes: readonly Node[];
  readonly inputs: readonly Tensor[];
  readonly parameters: readonly Parameter[];
}

/** Nodes that `roots` need, inputs before users; walks no further than what `stop` has. */
export function sortNodes(
  roots: Iterable<Tensor>,
  stop: Pick<ReadonlySet<Node>, "has"> = new Set(),
): Node[] {
  const order: Node[] = [];
  const done = new Set<Node>();
  // An explicit stack: graphs of a training step are deeper than the call stack.
  const stack: { node: Node; next: number }[] = [];
  for (const root of roots) {
    if (done.has(root.node) || stop.has(root.node)) continue;
    stack.push({ node: root.node, next: 0 });
    done.add(root.node);
    while (stack.length) {
      const top = stack[stack.length - 1];
      const child = top.node.inputs[top.next++];
      if (top.next > top.node.inputs.length) {
        order.push(top.node);
        stack.pop();
      } else if (child && !done.has(child.node) && !stop.has(child.node)) {
        done.add(child.node);
        stack.push({ node: child.node, next: 0 });
      }
    }
  }
  return order;
}

/** Gathers the graph behind named outputs. Two inputs or parameters of one name are an error. */
export function graphOf(outputs: Record<string, Tensor>): Graph {
  const nodes = sortNodes(Object.values(outputs));
  const leaves = nodes
    .filter((n) => n.op === "Input" || n.op === "Parameter")
    .map((n) => n.outputs[0]);
  const names = new Set<string>();
  for (const leaf of leaves) {
    assert(leaf.label, `a ${leaf.node.op} of the graph has no name`);
    assert(!names.has(leaf.label), `two leaves of the graph are called ${leaf.label}`);
    names.add(leaf.label);
  }
  return {
    outputs: new Map(Object.entries(outputs)),
    nodes,
    inputs: leaves.filter((t) => t.node.op === "Input"),
    parameters: leaves.filter((t) => t instanceof Parameter),
  };
}
