/** @file Gradients of convolutions: the three bilinear maps among x, weight and dy are each other's adjoints. */
import {
  applyOne,
  constant,
  convGradWeight,
  type ConvAttrs,
  type Tensor,
} from "../tensor/index.ts";
import type { VjpRules } from "./rule.ts";

/** The n × n matrix that reverses a row. */
function reversal(n: number): Tensor {
  const ones = Float32Array.from({ length: n * n }, (_, i) =>
    Number((i % n) + Math.floor(i / n) === n - 1),
  );
  return constant(ones, [n, n]);
}

/** The weight of the adjoint convolution: kernel reversed, in and out channels swapped within each group. */
function flipped(weight: Tensor, group: number): Tensor {
  const [out, perGroup, ...kernel] = weight.shape as [number, number, ...number[]];
  const taps = kernel.reduce((product, n) => product * n, 1);
  const swapped = weight.reshape(group, out / group, perGroup, taps).transpose(0, 2, 1, 3);
  // Reversing the flattened kernel reverses each of its axes; a product is faster than a backward slice of short rows.
  const reversed = taps > 1 ? swapped.matmul(reversal(taps)) : swapped;
  return reversed.reshape(group * perGroup, out / group, ...kernel);
}

/**
 * Gradient of `conv` for its input: what a transposed convolution of dy gives, cut to the input's `space`.
 * With stride 1 it is a plain convolution with the flipped weight, which engines run faster.
 */
export function convGradInput(
  dy: Tensor,
  weight: Tensor,
  { strides, pads, dilations, group }: ConvAttrs,
  space: readonly number[],
): Tensor {
  const n = space.length;
  const reach = dilations.map((dilation, i) => dilation * (weight.shape[i + 2] - 1));
  const opposite = pads.map((pad, i) => reach[i % n] - pad);
  if (strides.every((s) => s === 1) && opposite.every((p) => p >= 0)) {
    const attrs = { strides, pads: opposite, dilations, group };
    return applyOne("Conv", [dy, flipped(weight, group), null], attrs);
  }
  // What a stride that does not divide the input left over at the end.
  const outputPadding = space.map(
    (size, i) => size - ((dy.shape[i + 2] - 1) * strides[i] - pads[i] - pads[i + n] + reach[i] + 1),
  );
  const attrs = { strides, pads, dilations, group, outputPadding };
  return applyOne("ConvTranspose", [dy, weight, null], attrs);
}

const spaceOf = (x: Tensor) => x.shape.slice(2);

/** Gradient of a bias: the sum over everything but channels. */
function overChannels(g: Tensor): Tensor {
  return g.sum(g.shape.flatMap((_, i) => (i === 1 ? [] : [i])));
}

/** Convolutions, forward and their own gradients, and what is made of windows. */
export const convRules = {
  Conv: ([g], [x, weight, bias], _, attrs) => [
    convGradInput(g, weight, attrs, spaceOf(x)),
    convGradWeight(x, g, { ...attrs, kernel: spaceOf(weight) }),
    bias && overChannels(g),
  ],
  ConvTranspose: ([g], [x, weight, bias], _, { strides, pads, dilations, group }) => {
    const attrs = { strides, pads, dilations, group };
    return [
      applyOne("Conv", [g, weight, null], attrs),
      convGradWeight(g, x, { ...attrs, kernel: spaceOf(weight) }),
      bias && overChannels(g),
    ];
  },
  ConvGradWeight: ([g], [x, dy], _, { strides, pads, dilations, group }) => {
    const attrs = { strides, pads, dilations, group };
    return [convGradInput(dy, g, attrs, spaceOf(x)), applyOne("Conv", [x, g, null], attrs)];
  },
} satisfies VjpRules;
