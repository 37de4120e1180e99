/** @file Matrix products beside the primitive: vectors, sums of products, Einstein's notation. */
import { ShapeError } from "../base/index.ts";
import type { Tensor } from "./tensor.ts";
import { show } from "./type.ts";

/** Matrix product that takes vectors too: a vector at the left is a row, at the right a column. */
export function matmul(a: Tensor, b: Tensor): Tensor {
  const left = a.rank === 1 ? a.unsqueeze(0) : a;
  const right = b.rank === 1 ? b.unsqueeze(1) : b;
  const y = left.matmul(right);
  const rows = a.rank === 1 ? y.squeeze(-2) : y;
  return b.rank === 1 ? rows.squeeze(-1) : rows;
}

/** beta · c + alpha · a b. */
export function addmm(c: Tensor, a: Tensor, b: Tensor, { alpha = 1, beta = 1 } = {}): Tensor {
  const product = a.matmul(b);
  return (beta === 1 ? c : c.mul(beta)).add(alpha === 1 ? product : product.mul(alpha));
}

/** A tensor whose axes have letters. */
interface Lettered {
  readonly x: Tensor;
  readonly letters: readonly string[];
}

/** Axes in the order of `letters`; letters it lacks become axes of length 1. */
function arrange({ x, letters }: Lettered, order: readonly string[]): Tensor {
  const present = order.filter((l) => letters.includes(l));
  const turned = x.transpose(...present.map((l) => letters.indexOf(l)));
  const length = (l: string) => (letters.includes(l) ? x.shape[letters.indexOf(l)] : 1);
  return turned.reshape(...order.map(length));
}

/** Sums away the axes whose letters nobody else needs. */
function without({ x, letters }: Lettered, needed: ReadonlySet<string>): Lettered {
  const gone = letters.flatMap((l, i) => (needed.has(l) ? [] : [i]));
  return gone.length
    ? { x: x.sum(gone), letters: letters.filter((l) => needed.has(l)) }
    : { x, letters };
}

/** Product of two operands, summed over the letters that both have and `later` does not need. */
function contract(a: Lettered, b: Lettered, later: ReadonlySet<string>): Lettered {
  const left = without(a, new Set([...later, ...b.letters]));
  const right = without(b, new Set([...later, ...a.letters]));
  const both = left.letters.filter((l) => right.letters.includes(l));
  const batch = both.filter((l) => later.has(l));
  const inner = both.filter((l) => !later.has(l));
  const rows = left.letters.filter((l) => !both.includes(l));
  const columns = right.letters.filter((l) => !both.includes(l));
  const sizes = (t: Lettered, letters: readonly string[]) =>
    letters.map((l) => t.x.shape[t.letters.indexOf(l)]);
  const product = (shape: readonly number[]) => shape.reduce((p, n) => p * n, 1);
  const batchShape = sizes(left, batch);
  const [m, k, n] = [sizes(left, rows), sizes(left, inner), sizes(right, columns)];
  const y = arrange(left, [...batch, ...rows, ...inner])
    .reshape(...batchShape, product(m), product(k))
    .matmul(
      arrange(right, [...batch, ...inner, ...columns]).reshape(
        ...batchShape,
        product(k),
        product(n),
      ),
    );
  return { x: y.reshape(...batchShape, ...m, ...n), letters: [...batch, ...rows, ...columns] };
}

/** Sums of products in Einstein's notation, such as `bhqd,bhkd->bhqk`; one letter an axis, no ellipsis. */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  const [inputs, output] = equation.replaceAll(" ", "").split("->");
  const terms = (inputs ?? "").split(",").map((t) => [...t]);
  const fits =
    output !== undefined &&
    terms.length === operands.length &&
    terms.every((t, i) => t.length === operands[i].rank && new Set(t).size === t.length);
  if (!fits)
    throw new ShapeError(`einsum: ${equation} does not describe ${operands.map(show).join(", ")}`);
  const lettered = operands.map((x, i): Lettered => ({ x, letters: terms[i] }));
  let [result] = lettered;
  for (let i = 1; i < lettered.length; i++) {
    const later = new Set([...output, ...terms.slice(i + 1).flat()]);
    result = contract(result, lettered[i], later);
  }
  return arrange(without(result, new Set(output)), [...output]);
}
