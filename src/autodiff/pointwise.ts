/** @file Gradients of the elementwise ops; ties and kinks as PyTorch decides them. */
import { lift, scalar, sumTo, Tensor } from "../tensor/index.ts";
import type { VjpRules } from "./rule.ts";

/** The number a tensor holds everywhere, if that is known while tracing. */
function constantOf(x: Tensor): number | null {
  if (x.node.op !== "Constant" || x.size !== 1 || x.dtype === "f16" || x.dtype === "bf16")
    return null;
  const { values } = x.node.attrs as { values: ArrayLike<number | bigint> };
  return Number(values[0]);
}

/** `x` where `condition` holds, zero elsewhere. */
export function keep(condition: Tensor, x: Tensor): Tensor {
  return condition.where(x, 0);
}

function powRule(g: Tensor, a: Tensor, b: Tensor, y: Tensor): (Tensor | null)[] {
  const exponent = constantOf(b);
  if (exponent === 0) return [null, null];
  if (exponent === 1) return [sumTo(g, a.shape), null];
  if (exponent !== null) {
    const slope = exponent === 2 ? a : a.pow(exponent - 1);
    return [sumTo(g.mul(slope.mul(exponent)), a.shape), null];
  }
  // 0 · 0⁻¹ and 0 · log 0 are NaN where the limit is 0.
  const toBase = keep(b.equal(0).not(), g.mul(b).mul(a.pow(b.sub(1))));
  const toExponent = keep(a.equal(0).not(), g.mul(y).mul(a.log()));
  return [sumTo(toBase, a.shape), sumTo(toExponent, b.shape)];
}

/** Of a and b the one that won gets the gradient; equals get half each. */
function extremumRule(g: Tensor, a: Tensor, b: Tensor, aWins: Tensor): Tensor[] {
  const share = aWins.where(lift(1, g), a.equal(b).cast(g.dtype).mul(0.5));
  const toA = g.mul(share);
  return [sumTo(toA, a.shape), sumTo(g.sub(toA), b.shape)];
}

const floats = new Set(["f64", "f32", "f16", "bf16"]);

/** Ops of one place: the derivative there times the gradient, summed over what was broadcast. */
export const pointwiseRules = {
  Neg: ([g]) => [g.neg()],
  Abs: ([g], [x]) => [g.mul(x.sign())],
  Sign: () => [null],
  Exp: ([g], _, [y]) => [g.mul(y)],
  Log: ([g], [x]) => [g.div(x)],
  Sqrt: ([g], _, [y]) => [g.mul(0.5).div(y)],
  Reciprocal: ([g], _, [y]) => [g.mul(y).mul(y).neg()],
  Sin: ([g], [x]) => [g.mul(x.cos())],
  Cos: ([g], [x]) => [g.mul(x.sin()).neg()],
  Atan: ([g], [x]) => [g.div(x.mul(x).add(1))],
  Tanh: ([g], _, [y]) => [g.sub(g.mul(y).mul(y))],
  Sigmoid: ([g], _, [y]) => [g.mul(y.sub(y.mul(y)))],
  Erf: ([g], [x]) => [g.mul(x.mul(x).neg().exp()).mul(2 / Math.sqrt(Math.PI))],
  Floor: () => [null],
  Round: () => [null],
  Not: () => [null],
  Add: ([g], [a, b]) => [sumTo(g, a.shape), sumTo(g, b.shape)],
  Sub: ([g], [a, b]) => [sumTo(g, a.shape), sumTo(g, b.shape).neg()],
  Mul: ([g], [a, b]) => [sumTo(g.mul(b), a.shape), sumTo(g.mul(a), b.shape)],
  Div: ([g], [a, b], [y]) => {
    const toA = g.div(b);
    return [sumTo(toA, a.shape), sumTo(toA.mul(y).neg(), b.shape)];
  },
  Pow: ([g], [a, b], [y]) => powRule(g, a, b, y),
  Max: ([g], [a, b]) => extremumRule(g, a, b, a.greater(b)),
  Min: ([g], [a, b]) => extremumRule(g, a, b, a.less(b)),
  Equal: () => [null, null],
  Greater: () => [null, null],
  Less: () => [null, null],
  And: () => [null, null],
  Or: () => [null, null],
  Where: ([g], [condition, a, b]) => [
    null,
    sumTo(keep(condition, g), a.shape),
    sumTo(condition.where(scalar(0, g.dtype), g), b.shape),
  ],
  Detach: () => [null],
  Cast: ([g], [x]) => [floats.has(x.dtype) ? g.cast(x.dtype) : null],
  /** y = x·s with s = σ(x), so y′ = s + y − y·s: four passes beside the sigmoid, and y is at hand. */
  Silu: ([g], [x], [y]) => {
    const s = x.sigmoid();
    return [g.mul(s.add(y.sub(y.mul(s))))];
  },
  Gelu: ([g], [x], _, { approximate }) => {
    if (approximate === "sigmoid") {
      const s = x.mul(1.702).sigmoid();
      return [g.mul(s.mul(x.sub(x.mul(s)).mul(1.702).add(1)))];
    }
    if (approximate === "none") {
      const cdf = x.mul(Math.SQRT1_2).erf().add(1).mul(0.5);
      const density = x
        .mul(x)
        .mul(-0.5)
        .exp()
        .mul(1 / Math.sqrt(2 * Math.PI));
      return [g.mul(cdf.add(x.mul(density)))];
    }
    const [k, cubic] = [Math.sqrt(2 / Math.PI), 0.044715];
    const square = x.mul(x);
    const t = x.mul(square.mul(k * cubic).add(k)).tanh();
    const slope = square
      .mul(3 * k * cubic)
      .add(k)
      .mul(x); // x · du/dx
    return [g.mul(0.5).mul(t.add(1).add(slope.sub(slope.mul(t).mul(t))))];
  },
} satisfies VjpRules;
