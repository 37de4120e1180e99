/** @file Graphs are checked and printed: broken ones are refused, equal ones print equally, errors name operands. */
import { expect, test } from "vitest";
import { Module, parametersOf, place } from "../nn/index.ts";
import type { Graph } from "./graph.ts";
import {
  concat,
  constant,
  conv,
  graphOf,
  groupNorm,
  input,
  linear,
  parameter,
  print,
  silu,
  sortNodes,
  verify,
  type Node,
  type Tensor,
} from "./index.ts";

function small(): Graph {
  const x = input("x", [1, 2, 4, 4]);
  const weight = parameter([3, 2, 3, 3], { kind: "normal", std: 0.02 });
  weight.path = "net.conv.weight";
  const [a, b] = silu(conv(x, weight, null, { padding: 1 })).split(1, [1, 2]);
  return graphOf({ a: a.mul(0.5), b: b.sum([2, 3]) });
}

/** The graph with one node replaced; nothing else is made to fit. */
function broken(graph: Graph, op: string, change: (node: Node) => Partial<Node>): Graph {
  const nodes = graph.nodes.map((n) => (n.op === op ? { ...n, ...change(n) } : n));
  return { ...graph, nodes };
}

test("[T10] a graph prints one line per node, with shapes, attributes and outputs", () => {
  expect(print(small())).toMatchInlineSnapshot(`
    "%0: f32[1,2,4,4] = Input() {dtype: "f32", name: "x", shape: [1,2,4,4]}
    %1: f32[3,2,3,3] = Parameter() {dtype: "f32", init: {"kind":"normal","std":0.02}, path: "net.conv.weight", shape: [3,2,3,3], trains: true}
    %2: f32[1,3,4,4] = Conv(%0, %1, -) {dilations: [1,1], group: 1, pads: [1,1,1,1], strides: [1,1]}
    %3: f32[1,3,4,4] = Silu(%2)
    %4: f32[1,1,4,4], %5: f32[1,2,4,4] = Split(%3) {axis: 1, sizes: [1,2]}
    %6: f32[] = Constant() {dtype: "f32", shape: [], values: [0.5]}
    %7: f32[1,1,4,4] = Mul(%4, %6)
    %8: f32[1,2] = ReduceSum(%5) {axes: [2,3], keepdims: false}
    return {a: %7, b: %8}"
  `);
});

test("[T10] the same program traced twice prints equally, another one differently", () => {
  expect(print(small())).toBe(print(small()));
  const of = (values: number[]) =>
    print(graphOf({ y: constant(Float32Array.from(values), [values.length]) }));
  const long = Array.from({ length: 100 }, (_, i) => i);
  expect(of(long)).toBe(of(long));
  expect(of(long)).not.toBe(of(long.with(57, -1)));
  expect(of([1, 2])).not.toBe(of([1, 3]));
});

test("[T9] nodes come before their users, each once, and not past a stop", () => {
  const x = input("x", [2]);
  const y = x.add(x).mul(x);
  expect(sortNodes([y, y]).map((n) => n.op)).toEqual(["Input", "Add", "Mul"]);
  expect(sortNodes([y], new Set([x.node])).map((n) => n.op)).toEqual(["Add", "Mul"]);
});

test("[T11] a sound graph passes, and a node of false type, order or arity is refused", () => {
  expect(() => verify(small())).not.toThrow();
  const shape = broken(small(), "ReduceSum", () => ({ types: [{ dtype: "f32", shape: [7] }] }));
  expect(() => verify(shape)).toThrow(/internal: ReduceSum in .* claims .*\[7\]/);
  const dtype = broken(small(), "Silu", (n) => ({ types: [{ ...n.types[0], dtype: "f16" }] }));
  expect(() => verify(dtype)).toThrow("internal: Silu");
  const outputs = broken(small(), "Split", (n) => ({ outputs: n.outputs.slice(1) }));
  expect(() => verify(outputs)).toThrow("internal:");
  const graph = small();
  expect(() => verify({ ...graph, nodes: graph.nodes.toReversed() })).toThrow("uses a later node");
  expect(() => verify({ ...graph, outputs: new Map([["y", input("z", [1])]]) })).toThrow(
    "output y is no node of the graph",
  );
});

test("[T9] two leaves of one name and a parameter without a name are refused", () => {
  expect(() => graphOf({ y: input("x", [1]).add(input("x", [1])) })).toThrow("are called x");
  const nameless = parameter([1], { kind: "constant", value: 0 });
  expect(() => graphOf({ y: nameless.neg() })).toThrow("a Parameter of the graph has no name");
});

class Block extends Module {
  readonly weight = parameter([8, 5], { kind: "normal", std: 0.02 });
  forward(x: Tensor): Tensor {
    return linear(x, this.weight);
  }
}
class Net extends Module {
  readonly downBlocks = [new Block(), new Block()];
  forward(x: Tensor): Tensor {
    return this.downBlocks[1].call(x);
  }
}

test("[T2] a shape error names the op, both operands and the module", () => {
  const net = place(new Net(), "unet");
  expect(parametersOf(net).map((p) => p.path)).toEqual([
    "unet.down_blocks.0.weight",
    "unet.down_blocks.1.weight",
  ]);
  const message =
    "Linear: input is 4 wide but the weight expects 5 " +
    "(x f32[3,4], unet.down_blocks.1.weight f32[8,5]) in unet.down_blocks.1";
  expect(() => net.call(input("x", [3, 4]))).toThrow(message);
});

test.each<[string, () => unknown, string]>([
  [
    "channels",
    () => conv(input("x", [1, 4, 8, 8]), input("w", [2, 3, 3, 3])),
    "Conv: input has 4 channels but the weight expects 3 (x f32[1,4,8,8], w f32[2,3,3,3])",
  ],
  ["rank", () => linear(input("x", [3]), input("w", [2, 3])), "Linear: needs rows"],
  ["window", () => conv(input("x", [1, 3, 2, 2]), input("w", [2, 3, 3, 3])), "larger than"],
  ["broadcasting [T3]", () => input("a", [2, 3]).add(input("b", [4])), "(a f32[2,3], b f32[4])"],
  ["dtypes [T4]", () => input("a", [2]).add(input("b", [2], "i64")), "dtypes differ"],
  ["inner axes", () => input("a", [2, 3]).matmul(input("b", [4, 2])), "inner axes differ, 3 and 4"],
  [
    "reshape [T7]",
    () => input("a", [2, 3]).reshape(4, 2),
    "another number of elements (a f32[2,3])",
  ],
  ["an axis [T5]", () => input("a", [2, 3]).sum([2]), "axis 2 is outside a tensor of 2 axes"],
  ["concat", () => concat([input("a", [2, 3]), input("b", [2, 4])], 0), "differ outside axis 0"],
  [
    "groups",
    () => groupNorm(input("x", [1, 6, 2]), null, null, { groups: 4 }),
    "channels do not split into 4 groups",
  ],
])("[T2] a misfit of %s is told in the operands' own terms", (_, make, message) => {
  expect(make).toThrow(message);
});
