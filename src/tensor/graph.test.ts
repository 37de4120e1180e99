/** @file Graphs are checked and printed: broken ones are refused, equal ones print equally, errors name operands. */
import { expect, test } from "vitest";
import { Module, parametersOf, place } from "../nn/index.ts";
import type { Graph } from "./graph.ts";
import { emptyValues } from "../base/index.ts";
import {
  applyOne,
  attention,
  causalMask,
  concat,
  constant,
  conv,
  convTranspose,
  expandComposite,
  graphOf,
  groupNorm,
  input,
  layerNorm,
  linear,
  parameter,
  print,
  silu,
  sortNodes,
  valuesOf,
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

test("[T10] numbers that JSON does not tell apart print differently", () => {
  const odd = [0, -0, NaN, Infinity, -Infinity];
  const x = input("x", [2]);
  const constants = odd.map((n) => print(graphOf({ y: constant(Float32Array.of(n), [1]) })));
  expect(new Set(constants).size).toBe(odd.length);
  const attributes = odd.map((value) => print(graphOf({ y: x.pad([1, 1], value) })));
  expect(new Set(attributes).size).toBe(odd.length);
});

test("[T10] long constants are told apart by 256 bits", () => {
  const of = (values: Uint8Array) => print(graphOf({ y: constant(values, [64], "u8") }));
  const texts = Array.from({ length: 64 }, (_, at) => {
    const values = new Uint8Array(64);
    values[at] ^= 0x80;
    values[63 - at] ^= 0x01;
    return of(values);
  });
  expect(new Set(texts).size).toBe(64);
  expect(texts[0]).toMatch(/values: #[0-9a-f]{64}/);
});

test("constants of every stored integer type hold negative numbers where the type does", () => {
  for (const dtype of ["i64", "i32", "i16", "i8", "f32", "f64"] as const)
    expect(Number(valuesOf([-3], dtype)[0]), dtype).toBe(-3);
  expect(emptyValues("i16", 2)).toEqual(new Int16Array(2));
});

test("[T5] slices backwards count negative bounds from the back, and stay inside", () => {
  const slice = (start: number, end?: number, step = -1) => {
    const { attrs } = input("x", [10]).slice(0, start, end, step).node;
    const { starts, ends } = attrs as { starts: number[]; ends: number[] };
    return [starts[0], ends[0], input("x", [10]).slice(0, start, end, step).shape[0]];
  };
  expect(slice(-1)).toEqual([9, -1, 10]);
  expect(slice(-2, -5)).toEqual([8, 5, 3]);
  expect(slice(7, -8, -2)).toEqual([7, 2, 3]);
  expect(slice(99, -99)).toEqual([9, -1, 10]);
  expect(slice(4, 4)).toEqual([4, 4, 0]);
  expect(() => slice(2, 5)).toThrow("Slice: [2:5:-1] leaves axis 0");
  const attrs = { starts: [10], ends: [2], axes: [0], steps: [-1] };
  expect(() => applyOne("Slice", [input("x", [10])], attrs)).toThrow("leaves axis 0");
  expect(() => applyOne("Slice", [input("x", [10])], { ...attrs, starts: [1] })).toThrow("leaves");
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

test("causal attention has a body in f64 too", () => {
  for (const dtype of ["f32", "f64"] as const) {
    const [q, k, v] = ["q", "k", "v"].map((name) => input(name, [1, 3, 4], dtype));
    const attrs = { heads: 2, scale: 1, causal: true };
    const body = expandComposite("Attention", [q, k, v, null], attrs);
    expect(body.dtype).toBe(dtype);
    expect(causalMask(2, 3, dtype).dtype).toBe(dtype);
  }
});

const qkv = [input("q", [2, 3, 8]), input("k", [2, 5, 8]), input("v", [2, 5, 8])] as const;

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
  [
    "a mask",
    () => attention(...qkv, { heads: 2, mask: input("mask", [2, 7, 3, 5]) }),
    "shapes do not broadcast (mask f32[2,7,3,5], f32[2,2,3,5])",
  ],
  [
    "a mask of too many axes",
    () => attention(...qkv, { heads: 2, mask: input("mask", [4, 1, 1, 3, 5]) }),
    "does not broadcast",
  ],
  [
    "a mask larger than the scores",
    () => attention(...qkv, { heads: 2, mask: input("mask", [6, 2, 3, 5]) }),
    "do not broadcast",
  ],
  [
    "a mask's dtype",
    () => attention(...qkv, { heads: 2, mask: input("mask", [3, 5], "f64") }),
    "Attention: dtypes differ",
  ],
  [
    "keys' dtype",
    () => attention(qkv[0], input("k", [2, 5, 8], "f16"), qkv[2], { heads: 2 }),
    "Attention: dtypes differ",
  ],
  [
    "a bias' dtype",
    () => linear(input("x", [2, 3]), input("w", [4, 3]), input("b", [4], "f16")),
    "Linear: dtypes differ",
  ],
  [
    "a norm's weight's dtype",
    () => layerNorm(input("x", [2, 3]), input("w", [3], "f16"), null),
    "LayerNorm: dtypes differ",
  ],
  [
    "a group norm's bias' dtype",
    () => groupNorm(input("x", [1, 4, 2]), null, input("b", [4], "f64"), { groups: 2 }),
    "GroupNorm: dtypes differ",
  ],
  [
    "a transposed convolution's bias' dtype",
    () => convTranspose(input("x", [1, 2, 4]), input("w", [2, 3, 2]), input("b", [3], "f16")),
    "ConvTranspose: dtypes differ",
  ],
  [
    "a transposed convolution's padding",
    () => convTranspose(input("x", [1, 2, 2]), input("w", [2, 3, 2]), null, { padding: 2 }),
    "the padding leaves nothing of the output",
  ],
  [
    "a transposed convolution's output padding",
    () => convTranspose(input("x", [1, 2, 4]), input("w", [2, 3, 2]), null, { outputPadding: 1 }),
    "the output padding 1 is not below the stride 1",
  ],
  [
    "a transposed convolution's attributes",
    () =>
      applyOne("ConvTranspose", [input("x", [1, 2, 4, 4]), input("w", [2, 3, 2, 2]), null], {
        strides: [1],
        pads: [0, 0, 0, 0],
        dilations: [1, 1],
        group: 1,
        outputPadding: [0, 0],
      }),
    "attributes do not describe 2 spatial axes",
  ],
  ["concat", () => concat([input("a", [2, 3]), input("b", [2, 4])], 0), "differ outside axis 0"],
  [
    "groups",
    () => groupNorm(input("x", [1, 6, 2]), null, null, { groups: 4 }),
    "channels do not split into 4 groups",
  ],
])("[T2] a misfit of %s is told in the operands' own terms", (_, make, message) => {
  expect(make).toThrow(message);
});
