/** @file Reverse-mode differentiation of a traced graph; the result is a graph again, so it nests. */
import { assert, ShapeError } from "../base/index.ts";
import {
  expandComposite,
  full,
  isComposite,
  scalar,
  show,
  sortNodes,
  within,
  type Attrs,
  type CompositeName,
  type Inputs,
  type Node,
  type Tensor,
} from "../tensor/index.ts";
import type { VjpRule } from "./rule.ts";
import { vjpRules } from "./rules.ts";

type GradientMap = Map<Tensor, Tensor>;

function accumulate(gradients: GradientMap, x: Tensor, gradient: Tensor): void {
  assert(
    gradient.shape.join() === x.shape.join() && gradient.dtype === x.dtype,
    `gradient ${show(gradient)} for ${show(x)} of ${x.node.op}`,
  );
  const sum = gradients.get(x);
  gradients.set(x, sum ? sum.add(gradient) : gradient);
}

/** Differentiates a composite through its body; a tensor given twice gets its whole gradient the first time. */
export function throughBody<K extends CompositeName>(
  node: Node<K>,
  gradient: Tensor,
): readonly (Tensor | null)[] {
  const body = expandComposite(node.op, node.inputs as Inputs<K, Tensor>, node.attrs);
  const inputs = new Set(node.inputs.filter((x) => x !== null));
  const gradients = sweep([body], [gradient], inputs, new Set([...inputs].map((x) => x.node)));
  return node.inputs.map((x, i) =>
    x && node.inputs.indexOf(x) === i ? (gradients.get(x) ?? null) : null,
  );
}

function differentiate(
  node: Node,
  gradients: readonly (Tensor | null)[],
): readonly (Tensor | null)[] {
  const rules: Record<string, unknown> = vjpRules;
  const rule = rules[node.op];
  if (!rule) {
    assert(isComposite(node.op) && gradients[0], `${node.op} has no derivative`);
    return throughBody(node as Node<CompositeName>, gradients[0]);
  }
  // The table's row for an op takes that op's inputs, which TypeScript cannot follow through the union.
  const apply = rule as VjpRule<"Split">;
  return apply(gradients, node.inputs as [Tensor], node.outputs, node.attrs as Attrs<"Split">);
}

/** Walks the graph backwards once, past nothing in `stop`, and only where a tensor of `wrt` lies behind. */
function sweep(
  outputs: readonly Tensor[],
  cotangents: readonly Tensor[],
  wrt: ReadonlySet<Tensor>,
  stop: ReadonlySet<Node>,
): GradientMap {
  const nodes = sortNodes(outputs, stop);
  const active = new Set(wrt);
  for (const node of nodes)
    if (node.inputs.some((x) => x && active.has(x))) node.outputs.forEach((y) => active.add(y));
  const gradients: GradientMap = new Map();
  outputs.forEach((y, i) => {
    if (active.has(y)) accumulate(gradients, y, cotangents[i]);
  });
  for (const node of nodes.reverse()) {
    const own = node.outputs.map((y) => gradients.get(y) ?? null);
    if (own.every((g) => g === null) || !node.inputs.some((x) => x && active.has(x))) continue;
    const toInputs = within({ path: node.scope }, () => differentiate(node, own));
    assert(toInputs.length === node.inputs.length, `${node.op}: a gradient per input`);
    node.inputs.forEach((x, i) => {
      const gradient = toInputs[i];
      if (x && gradient && active.has(x)) accumulate(gradients, x, gradient);
    });
  }
  return gradients;
}

/**
 * The vector–Jacobian product: gradients of Σᵢ Σ outputsᵢ · cotangentsᵢ for each tensor of `wrt`,
 * zeros where no path leads there. Only what these need is part of the resulting graph.
 */
export function pullback(
  outputs: readonly Tensor[],
  cotangents: readonly Tensor[],
  wrt: readonly Tensor[],
): Tensor[] {
  outputs.forEach((y, i) => {
    const given = cotangents.at(i);
    if (given?.shape.join() !== y.shape.join() || given.dtype !== y.dtype)
      throw new ShapeError(
        `pullback: needs a cotangent like ${show(y)}, got ${given ? show(given) : "none"}`,
      );
  });
  const gradients = sweep(outputs, cotangents, new Set(wrt), new Set());
  return wrt.map((x) => gradients.get(x) ?? full(0, x.shape, x.dtype));
}

/** Gradients of a scalar for each tensor of `wrt`; differentiate them again for higher orders. */
export function grad(loss: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (loss.rank !== 0) throw new ShapeError(`grad: the loss must be a scalar, got ${show(loss)}`);
  return pullback([loss], [scalar(1, loss.dtype)], wrt);
}
