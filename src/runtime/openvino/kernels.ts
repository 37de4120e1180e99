/**
 * @file The composites that OpenVINO's CPU plugin is told by name. It finds the others by itself: normalisations, SiLU,
 * GELU, linear layers and attention from their bodies give the same bits in the same time as from ONNX's own ops.
 */
import type { Kernels } from "../lowering/lower.ts";

export const openVinoKernels: Kernels = {
  Softmax: (e, inputs, { attrs }) =>
    e.emit("Softmax", inputs, { attributes: { axis: attrs.axis } }),
};
