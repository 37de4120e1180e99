/** @file The composites that ONNX Runtime's CPU engine has faster kernels for (figures in docs/decisions). */
import type { Kernels } from "./lower.ts";

const microsoft = "com.microsoft";

export const ortKernels: Kernels = {
  Softmax: (e, inputs, { attrs }) =>
    e.emit("Softmax", inputs, { attributes: { axis: attrs.axis } }),

  Silu: (e, inputs) =>
    e.emit("QuickGelu", inputs, { domain: microsoft, attributes: { alpha: { float: 1 } } }),

  Gelu: (e, inputs, { attrs }) => {
    if (attrs.approximate === "none") return e.emit("Gelu", inputs, { domain: microsoft });
    if (attrs.approximate === "tanh") return e.emit("FastGelu", inputs, { domain: microsoft });
    const attributes = { alpha: { float: 1.702 } };
    return e.emit("QuickGelu", inputs, { domain: microsoft, attributes });
  },

  LayerNorm: (e, [x, weight, bias], { attrs, inputs }) => {
    const shape = inputs[0]?.shape.slice(-attrs.axes) ?? [];
    const size = shape.reduce((a, b) => a * b, 1);
    const ones = () => e.reshape(e.filled(size, 1), shape);
    const attributes = { axis: -attrs.axes, epsilon: { float: attrs.eps } };
    const operands = [x, weight || ones(), ...(bias ? [bias] : [])];
    return e.emit("LayerNormalization", operands, { attributes });
  },

  // No GroupNorm kernel exists on the CPU; a LayerNormalization over each group is the fastest way round.
  GroupNorm: (e, [x, weight, bias], { attrs, inputs }) => {
    const [batch, channels, ...space] = inputs[0]?.shape ?? [];
    const size = (channels / attrs.groups) * space.reduce((a, b) => a * b, 1);
    const grouped = e.reshape(x, [batch, attrs.groups, size]);
    const attributes = { axis: -1, epsilon: { float: attrs.eps } };
    const normal = e.emit("LayerNormalization", [grouped, e.filled(size, 1)], { attributes });
    const perChannel = (p: string) => e.reshape(p, [channels, ...space.map(() => 1)]);
    let y = e.reshape(normal, [batch, channels, ...space]);
    if (weight) y = e.emit("Mul", [y, perChannel(weight)]);
    return bias ? e.emit("Add", [y, perChannel(bias)]) : y;
  },

  // Without a mask this is a flash kernel: memory linear in the tokens.
  Attention: (e, [q, k, v, mask], { attrs, inputs: [queries, keys, , bias] }) => {
    const square = queries?.shape[1] === keys?.shape[1];
    if (attrs.causal && !square) return null;
    if (mask && bias?.rank !== 4) return null;
    const batchFits = !bias || bias.shape[0] === 1 || bias.shape[0] === queries?.shape[0];
    const full = !bias || (bias.shape[2] === queries?.shape[1] && bias.shape[3] === keys?.shape[1]);
    if (!batchFits || !full) return null;
    return e.emit("MultiHeadAttention", mask ? [q, k, v, "", "", mask] : [q, k, v], {
      domain: microsoft,
      attributes: {
        num_heads: attrs.heads,
        scale: { float: attrs.scale },
        unidirectional: Number(attrs.causal),
      },
    });
  },

  Linear: (e, [x, weight, bias], { inputs, types: [out] }) => {
    const rows = inputs[0]?.shape.slice(0, -1) ?? [];
    const flat =
      rows.length === 1
        ? x
        : e.reshape(x, [rows.reduce((a, b) => a * b, 1), inputs[0]?.shape.at(-1) ?? 0]);
    const operands = bias ? [flat, weight, bias] : [flat, weight];
    const y = e.emit("Gemm", operands, { attributes: { transB: 1 } });
    return rows.length === 1 ? y : e.reshape(y, out.shape);
  },
};
