/** @file Activations and pointwise functions composed of primitives, with PyTorch's derivatives at the kinks. */
import { gelu, silu } from "./composites.ts";
import { lift, scalar, type Tensor } from "./tensor.ts";

/** x where positive, else 0, also in the derivative at 0. */
export function relu(x: Tensor): Tensor {
  return x.greater(0).where(x, 0);
}

/** x where positive, else slope · x. */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  return x.greater(0).where(x, x.mul(slope));
}

/** x where positive, else alpha · (eˣ − 1): Clevert et al. 2015. */
export function elu(x: Tensor, alpha = 1): Tensor {
  const positive = x.greater(0);
  const below = positive.where(scalar(0, x.dtype), x); // no overflow in the branch not taken
  return positive.where(x, below.exp().sub(1).mul(alpha));
}

/** log(1 + eˣ) = max(x, 0) + log(1 + e^−|x|). */
export function softplus(x: Tensor): Tensor {
  return x.max(0).add(log1p(x.abs().neg().exp()));
}

/** log σ(x) = −softplus(−x). */
export function logSigmoid(x: Tensor): Tensor {
  return softplus(x.neg()).neg();
}

/** x · tanh(softplus(x)): Misra 2019. */
export function mish(x: Tensor): Tensor {
  return x.mul(softplus(x).tanh());
}

/** The two halves of the last axis. */
function halves(x: Tensor): [value: Tensor, gate: Tensor] {
  const half = x.shape[x.rank - 1] / 2;
  return x.split(-1, [half, half]) as [Tensor, Tensor];
}

/** value · GELU(gate), the value being the first half of the last axis: Shazeer 2020. */
export function geglu(x: Tensor): Tensor {
  const [value, gate] = halves(x);
  return value.mul(gelu(gate));
}

/** value · SiLU(gate), the value being the first half of the last axis. */
export function swiglu(x: Tensor): Tensor {
  const [value, gate] = halves(x);
  return value.mul(silu(gate));
}

/** x held between `min` and `max`; the derivative is 1 on the borders. */
export function clamp(x: Tensor, { min, max }: { min?: number; max?: number }): Tensor {
  const low = min === undefined ? x : x.less(min).where(lift(min, x), x);
  return max === undefined ? low : low.greater(max).where(lift(max, x), low);
}

/** x². */
export function square(x: Tensor): Tensor {
  return x.mul(x);
}

/** 1 / √x. */
export function rsqrt(x: Tensor): Tensor {
  return x.sqrt().reciprocal();
}

/** log(1 + x). */
export function log1p(x: Tensor): Tensor {
  return x.add(1).log();
}

/** eˣ − 1. */
export function expm1(x: Tensor): Tensor {
  return x.exp().sub(1);
}

/** The next whole number towards +∞. */
export function ceil(x: Tensor): Tensor {
  return x.neg().floor().neg();
}

/** The whole part, towards 0. */
export function trunc(x: Tensor): Tensor {
  return x.abs().floor().mul(x.sign());
}

/** `value` where `mask` is true, `x` elsewhere. */
export function maskedFill(x: Tensor, mask: Tensor, value: number): Tensor {
  return mask.where(lift(value, x), x);
}
