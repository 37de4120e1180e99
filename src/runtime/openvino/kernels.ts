/**
 * @file The composites that OpenVINO's CPU plugin is told by name. It finds the others by itself: normalisations, SiLU,
 * GELU, linear layers and attention from their bodies give the same bits in the same time as from ONNX's own ops.
 */
import type { Kernels } from "../lowering/lower.ts";

export const openVinoKernels: Kernels = {
  Softmax: (e, inputs, { attrs }) =>
    e.emit("Softmax", inputs, { attributes: { axis: attrs.axis } }),
  // As a broadcast it takes fourteen times as long: 133 of the 3149 ms of SD 1.5's decoder, and conversions of layout beside it.
  Enlarge: (e, [x], { attrs: { times }, types: [{ dtype, shape }] }) => {
    if (dtype !== "f32" || shape.length !== 4 || times.length !== 2) return null;
    const scales = e.constant(Float32Array.of(1, 1, ...times), [4], "f32");
    const attributes = {
      mode: "nearest",
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    };
    return e.emit("Resize", [x, "", scales], { attributes });
  },
  // As sums over two of six axes it has no fast kernel, and draws a sum over the rest, as for a convolution's bias, into the slow one: 31 of 362 ms of
  // the gradients of emblem's UNet at batch 64.
  SumPool: (e, [x], { attrs: { times }, types: [{ dtype, shape }] }) => {
    if (dtype !== "f32" || shape.length !== 4 || times.length !== 2) return null;
    const attributes = { kernel_shape: [...times], strides: [...times] };
    const mean = e.emit("AveragePool", [x], { attributes });
    return e.emit("Mul", [mean, e.constant(Float32Array.of(times[0] * times[1]), [], "f32")]);
  },
};
