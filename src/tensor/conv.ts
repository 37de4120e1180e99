/** @file Convolutions in PyTorch's terms: one number per option for all spatial axes, or one each. */
import type { ConvAttrs } from "./ops.ts";
import { applyOne, type Tensor } from "./tensor.ts";
import { perAxis } from "./windows.ts";

/** Where a kernel is laid on, per spatial axis or one number for all, as torch names it. */
export interface ConvOptions {
  readonly stride?: number | readonly number[];
  /** On both sides of each axis. */
  readonly padding?: number | readonly number[];
  readonly dilation?: number | readonly number[];
  readonly group?: number;
}

function attrsOf(n: number, options: ConvOptions): ConvAttrs {
  const { stride = 1, padding = 0, dilation = 1, group = 1 } = options;
  const pads = perAxis(padding, n);
  return {
    strides: perAxis(stride, n),
    pads: [...pads, ...pads],
    dilations: perAxis(dilation, n),
    group,
  };
}

/** Cross-correlation of x [N,C,…] with weight [M,C/group,…kernel] over one to three spatial axes. */
export function conv(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvOptions = {},
): Tensor {
  return applyOne("Conv", [x, weight, bias], attrsOf(x.rank - 2, options));
}

/** The adjoint of `conv` for its input: x [N,C,…] with weight [C,M/group,…kernel] → [N,M,…]. */
export function convTranspose(
  x: Tensor,
  weight: Tensor,
  bias: Tensor | null = null,
  options: ConvOptions & { readonly outputPadding?: number | readonly number[] } = {},
): Tensor {
  const n = x.rank - 2;
  const outputPadding = perAxis(options.outputPadding ?? 0, n);
  return applyOne("ConvTranspose", [x, weight, bias], { ...attrsOf(n, options), outputPadding });
}
