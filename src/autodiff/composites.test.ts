/** @file A composite is its body: the engine's kernel gives the same values, the composite's own rule the same gradients. */
import { expect, test } from "vitest";
import { describeEngines } from "../../tests/reference/engines.ts";
import { evaluateOn } from "../../tests/reference/evaluate.ts";
import { PhiloxRandom } from "../base/index.ts";
import { Emitter } from "../runtime/lowering/emitter.ts";
import { value, type Value } from "../runtime/index.ts";
import { lowerAll } from "../runtime/lowering/lower.ts";
import { ortKernels } from "../runtime/lowering/ort-kernels.ts";
import {
  applyOne,
  compositeBodies,
  expandComposite,
  input,
  type Attrs,
  type CompositeName,
  type Inputs,
  type Node,
  type Tensor,
} from "../tensor/index.ts";
import { pullback } from "./index.ts";
import { throughBody } from "./grad.ts";

/** Shapes of the operands (null: left out) and attributes. */
interface Case<K extends CompositeName> {
  readonly shapes: readonly (readonly number[] | null)[];
  readonly attrs: Attrs<K>;
}

const window = { strides: [1, 1], pads: [1, 1, 1, 1], dilations: [1, 1], group: 1, kernel: [3, 3] };
const attention = { heads: 2, scale: 0.5, causal: false };
const qkv = [
  [2, 3, 8],
  [2, 5, 8],
  [2, 5, 8],
];

const cases: { readonly [K in Exclude<CompositeName, "Detach">]: readonly Case<K>[] } = {
  Softmax: [
    { shapes: [[2, 3, 4]], attrs: { axis: 1 } },
    { shapes: [[3, 7]], attrs: { axis: 1 } },
  ],
  Silu: [{ shapes: [[5, 7]], attrs: {} }],
  Gelu: [
    { shapes: [[5, 7]], attrs: { approximate: "none" } },
    { shapes: [[5, 7]], attrs: { approximate: "tanh" } },
    { shapes: [[5, 7]], attrs: { approximate: "sigmoid" } },
  ],
  LayerNorm: [
    { shapes: [[2, 3, 5], [5], [5]], attrs: { axes: 1, eps: 1e-5 } },
    { shapes: [[2, 3, 5], [3, 5], null], attrs: { axes: 2, eps: 1e-3 } },
    { shapes: [[4, 5], null, [5]], attrs: { axes: 1, eps: 1e-5 } },
    { shapes: [[4, 5], null, null], attrs: { axes: 1, eps: 1e-5 } },
  ],
  GroupNorm: [
    { shapes: [[2, 6, 3, 4], [6], [6]], attrs: { groups: 3, eps: 1e-5 } },
    { shapes: [[2, 6, 5], [6], null], attrs: { groups: 1, eps: 1e-3 } },
    { shapes: [[3, 6], null, [6]], attrs: { groups: 2, eps: 1e-5 } },
    { shapes: [[2, 4, 2, 2, 2], null, null], attrs: { groups: 4, eps: 1e-5 } },
  ],
  Attention: [
    { shapes: [...qkv, null], attrs: attention },
    { shapes: [...qkv, [2, 2, 3, 5]], attrs: attention },
    { shapes: [...qkv, [1, 1, 3, 5]], attrs: attention },
    { shapes: [...qkv, [3, 5]], attrs: attention },
    { shapes: [...qkv, [2, 1, 1, 5]], attrs: attention },
    { shapes: [...qkv, null], attrs: { ...attention, causal: true } },
    { shapes: [qkv[1], qkv[1], qkv[1], null], attrs: { ...attention, causal: true } },
    { shapes: [qkv[1], qkv[1], qkv[1], [1, 2, 5, 5]], attrs: { ...attention, causal: true } },
    { shapes: [qkv[0], qkv[1], [2, 5, 6], null], attrs: attention },
  ],
  Linear: [
    { shapes: [[3, 4], [5, 4], [5]], attrs: {} },
    { shapes: [[2, 2, 3, 4], [5, 4], [5]], attrs: {} },
    { shapes: [[3, 4], [5, 4], null], attrs: {} },
  ],
  ConvGradWeight: [
    {
      shapes: [
        [2, 4, 5, 4],
        [2, 6, 5, 4],
      ],
      attrs: { ...window, group: 2 },
    },
    {
      shapes: [
        [2, 4, 5, 6],
        [2, 6, 3, 3],
      ],
      attrs: { ...window, strides: [2, 2] },
    },
  ],
  Enlarge: [
    { shapes: [[2, 3, 4, 5]], attrs: { times: [2, 3] } },
    { shapes: [[2, 3, 4, 5]], attrs: { times: [1, 2] } },
    { shapes: [[2, 5]], attrs: { times: [3] } },
    { shapes: [[1, 2, 3, 2, 2]], attrs: { times: [2, 2, 2] } },
  ],
  SumPool: [
    { shapes: [[2, 3, 4, 6]], attrs: { times: [2, 3] } },
    { shapes: [[2, 3, 4, 6]], attrs: { times: [1, 2] } },
    { shapes: [[2, 6]], attrs: { times: [3] } },
    { shapes: [[1, 2, 3, 2, 4]], attrs: { times: [3, 2, 2] } },
  ],
};

const rows = Object.entries(cases).flatMap(([op, list]) =>
  list.map((one) => [op as CompositeName, one as Case<CompositeName>] as const),
);

function expectClose(ours: Value, theirs: Value, what: string): void {
  expect(ours.shape, what).toEqual(theirs.shape);
  for (let i = 0; i < theirs.data.length; i++)
    expect(Number(ours.data[i]), `${what}[${i}]`).toBeCloseTo(Number(theirs.data[i]), 4);
}

describeEngines("composites and their bodies", (engine) => {
  test.each(rows)("[T8] %s %o", async (op, { shapes, attrs }) => {
    const leaves = shapes.map((shape, i) => shape && input(`x${i}`, shape));
    const given = Object.fromEntries(
      shapes.flatMap((shape, i) =>
        shape ? [[`x${i}`, value(new PhiloxRandom(i).normal(shape).data, shape)]] : [],
      ),
    );
    const y = applyOne(op, leaves as Inputs<CompositeName, Tensor>, attrs);
    const body = expandComposite(op, leaves as Inputs<CompositeName, Tensor>, attrs);
    const g = input("g", y.shape);
    const wrt = leaves.filter((x) => x !== null);
    const outputs: Record<string, Tensor> = { kernel: y, body };
    pullback([y], [g], wrt).forEach((t, i) => (outputs[`own d${wrt[i].label}`] = t));
    throughBody(y.node as Node<CompositeName>, g).forEach((t, i) => {
      if (t) outputs[`body d${leaves[i]?.label}`] = t;
    });
    const upstream = value(new PhiloxRandom(99).normal(y.shape).data, y.shape);
    const results = await evaluateOn(await engine.open())(outputs, { ...given, g: upstream });
    expectClose(results.kernel, results.body, "value");
    for (const { label } of wrt)
      expectClose(results[`own d${label}`], results[`body d${label}`], `gradient of ${label}`);
  });
});

/** The node of ONNX Runtime that stands for a composite; null where its body must. */
function kernelOf(op: CompositeName, { shapes, attrs }: Case<CompositeName>): string | null {
  const [q, k, , mask] = shapes;
  switch (op) {
    case "Silu":
      return "QuickGelu";
    case "Gelu": {
      const { approximate } = attrs as Attrs<"Gelu">;
      return { none: "Gelu", tanh: "FastGelu", sigmoid: "QuickGelu" }[approximate];
    }
    case "LayerNorm":
    case "GroupNorm":
      return "LayerNormalization";
    case "Attention": {
      // The kernel knows no causal order among unequal lengths, and only masks written out for every pair.
      const rows = (attrs as Attrs<"Attention">).causal && q?.[1] !== k?.[1];
      const whole = !mask || (mask.length === 4 && mask[2] === q?.[1] && mask[3] === k?.[1]);
      return rows || !whole ? null : "MultiHeadAttention";
    }
    case "Linear":
      return "Gemm";
    default:
      return op === "Softmax" ? op : null;
  }
}

test.each(rows)("the engine's kernel stands for %s %o", (op, one) => {
  const e = new Emitter();
  const leaves = one.shapes.map((shape, i) => shape && input(`x${i}`, shape));
  for (const leaf of leaves) if (leaf) e.names.set(leaf, leaf.label ?? "");
  lowerAll(e, [applyOne(op, leaves as Inputs<CompositeName, Tensor>, one.attrs)], ortKernels);
  const emitted = e.nodes.map((node) => node.op);
  const kernel = kernelOf(op, one);
  if (kernel !== null) expect(emitted).toContain(kernel);
  // What only moves or fills may stand beside a kernel; arithmetic of a body may not.
  const bodies: { readonly [K in CompositeName]?: readonly string[] } = {
    Enlarge: ["Expand", "Concat"],
    SumPool: ["ReduceSum"],
  };
  const body = bodies[op] ?? ["Exp", "Sigmoid", "Erf", "Tanh", "Sqrt", "ReduceMean", "MatMul"];
  expect(emitted.some((name) => body.includes(name))).toBe(kernel === null);
});

test("every composite with a gradient has a case", () => {
  expect(Object.keys(cases)).toEqual(Object.keys(compositeBodies).filter((op) => op !== "Detach"));
});
