/** @file The composites that OpenVINO's CPU plugin computes faster when told their names. */
import type { Kernels } from "./lower.ts";

export const openVinoKernels: Kernels = {
  Softmax: (e, inputs, { attrs }) =>
    e.emit("Softmax", inputs, { attributes: { axis: attrs.axis } }),
};
