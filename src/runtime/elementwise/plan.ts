/**
 * @file How a graph of elementwise arithmetic is cut into loops: each reads its arrays once, keeps everything between in
 * registers and writes its results once. A sum over a whole array ends one turn of loops; what needs it waits for the next.
 */
import type { Graph, Node, Tensor } from "../../tensor/index.ts";
import { mostArrays, mostSums } from "./memory.ts";
import { operationOf } from "./operations.ts";

/** One pass over arrays of one size. */
export interface Loop {
  /** Numbers in each array. */
  readonly size: number;
  /** Arrays that are read: inputs of the graph. */
  readonly arrays: readonly Tensor[];
  /** Single numbers that it is told, in the order of its arguments. */
  readonly scalars: readonly Tensor[];
  /** What it computes per element, in order. */
  readonly nodes: readonly Node[];
  /** Arrays that are written: outputs of the graph. */
  readonly written: readonly Tensor[];
  /** Arrays that are summed up, and what their sums are in the graph. */
  readonly sums: readonly { readonly array: Tensor; readonly sum: Tensor }[];
}

/** Single numbers, then loops that may need them; sums of the loops are known in the next turn. */
export interface Turn {
  readonly scalars: readonly Node[];
  readonly loops: readonly Loop[];
}

const isScalar = ({ size }: Tensor) => size === 1;
const isWholeSum = ({ op, outputs: [y], inputs: [x] }: Node) =>
  op === "ReduceSum" && x !== null && isScalar(y) && !isScalar(x);

/** Whether a node is what loops and single numbers can compute. */
function fits(node: Node): boolean {
  const [y] = node.outputs;
  if (y.dtype !== "f32" || node.outputs.length !== 1) return false;
  if (node.op === "Input") return true;
  if (node.op === "Constant") return isScalar(y);
  if (isWholeSum(node)) return true;
  const sized = node.inputs.every((x) => x !== null && (isScalar(x) || x.size === y.size));
  return sized && operationOf(node.op) !== undefined;
}

/** The turns of a graph; null where it is more than elementwise arithmetic and sums over whole arrays, or than a loop can hold. */
export function planOf(graph: Graph): Turn[] | null {
  if (!graph.nodes.every(fits)) return null;
  const turns = turnsOf(graph);
  const held = turns.every(({ loops }) =>
    loops.every(
      ({ arrays, written, sums }) =>
        arrays.length + written.length <= mostArrays && sums.length <= mostSums,
    ),
  );
  return held ? turns : null;
}

function turnsOf(graph: Graph): Turn[] {
  const turnOf = new Map<Node, number>();
  for (const node of graph.nodes) {
    const after = node.inputs.map((x) => (x ? (turnOf.get(x.node) ?? 0) : 0));
    turnOf.set(node, Math.max(0, ...after) + Number(isWholeSum(node)));
  }
  const sums = graph.nodes.filter(isWholeSum);
  const summed = sums.map(({ inputs: [x] }) => x as Tensor);
  const written = new Set([...graph.outputs.values()].filter((y) => !isScalar(y)));
  return Array.from({ length: Math.max(0, ...turnOf.values()) + 1 }, (_, turn) => {
    const isOf = (node: Node) => turnOf.get(node) === turn;
    const targets = [...new Set([...written, ...summed])].filter(({ node }) => isOf(node));
    return {
      scalars: graph.nodes.filter((n) => isOf(n) && isScalar(n.outputs[0]) && !isWholeSum(n)),
      loops: groupsOf(targets).map((group) => loopOf(group, { written, sums })),
    };
  });
}

/** Nodes that compute arrays per element, operands first. */
function elementsOf(arrays: Iterable<Tensor>): Node[] {
  const order = new Set<Node>();
  const visit = ({ node }: Tensor) => {
    if (order.has(node)) return;
    for (const x of node.inputs) if (x && !isScalar(x)) visit(x);
    order.add(node);
  };
  for (const array of arrays) visit(array);
  return [...order];
}

/** Arrays by what they read, directly or by way of others: one loop reads it for all of them. */
function groupsOf(targets: Iterable<Tensor>): Tensor[][] {
  let groups: { readonly members: Tensor[]; readonly reads: Set<Node> }[] = [];
  for (const target of targets) {
    const reads = elementsOf([target]).filter(({ op }) => op === "Input");
    const near = groups.filter((group) => reads.some((node) => group.reads.has(node)));
    const joined = {
      members: [...near.flatMap(({ members }) => members), target],
      reads: new Set([...near.flatMap((group) => [...group.reads]), ...reads]),
    };
    groups = [...groups.filter((group) => !near.includes(group)), joined];
  }
  return groups.map(({ members }) => members);
}

function loopOf(
  targets: readonly Tensor[],
  { written, sums }: { written: ReadonlySet<Tensor>; sums: readonly Node[] },
): Loop {
  const all = elementsOf(targets);
  const nodes = all.filter(({ op }) => op !== "Input");
  const operands = nodes.flatMap(({ inputs }) => inputs.filter((x) => x !== null));
  const own = sums.filter(({ inputs: [x] }) => x && targets.includes(x));
  return {
    size: targets[0].size,
    arrays: all.filter(({ op }) => op === "Input").map((node) => node.outputs[0]),
    scalars: [...new Set(operands.filter(isScalar))],
    nodes,
    written: targets.filter((target) => written.has(target)),
    sums: own.map(({ inputs: [x], outputs: [sum] }) => ({ array: x as Tensor, sum })),
  };
}
