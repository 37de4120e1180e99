"""The three parts of a 3x3 convolution (stride 1, padding 1, weights as graph inputs) in ONNX operators, several ways each.

Shapes: x [B,C,S,S], w [K,C,3,3], y and dy [B,K,S,S]; n = B*S*S.
"""

import numpy as np

REVERSED = np.eye(9, dtype=np.float32)[::-1]


def windows(g, x, axes, size):
    """The nine shifted windows of the padded `x` along two axes."""
    for i in range(3):
        for j in range(3):
            yield g.call("Slice", x, g.constant([i, j]), g.constant([i + size, j + size]), g.constant(axes))


def padded_nchw(g, x):
    return g.Pad(x, g.constant([0, 0, 1, 1, 0, 0, 1, 1]))


def padded_nhwc(g, x):
    return g.Pad(g.transpose(x, 0, 2, 3, 1), g.constant([0, 1, 1, 0, 0, 1, 1, 0]))


def rows(g, x, channels, n):
    """[B,ch,S,S] as [ch,n]: whole planes move, so this is cheap."""
    return g.reshape(g.transpose(x, 1, 0, 2, 3), channels, n)


def conv(g, x, w):
    return g.Conv(x, w, pads=[1] * 4, kernel_shape=[3, 3])


def conv_im2col(g, x, w, b, c, k, s):
    """W [K,9C] @ columns [9C,n], with channels first and the batch second."""
    n = b * s * s
    x = padded_nchw(g, g.transpose(x, 1, 0, 2, 3))
    columns = g.Concat(*(g.reshape(t, c, n) for t in windows(g, x, [2, 3], s)), axis=0)
    w = g.reshape(g.transpose(w, 0, 2, 3, 1), k, 9 * c)
    return g.transpose(g.reshape(g.MatMul(w, columns), k, b, s, s), 1, 0, 2, 3)


def flip_gather(g, w, c, k):
    w = g.Gather(g.transpose(g.reshape(w, k, c, 9), 1, 0, 2), g.constant(range(8, -1, -1)), axis=2)
    return g.reshape(w, c, k, 3, 3)


def flip(g, w, c, k):
    """W rotated by 180 degrees with its channels swapped; the rotation is a GEMM with the reversed unit matrix (exact)."""
    w = g.reshape(g.MatMul(g.reshape(w, k * c, 9), g.constant(REVERSED, np.float32)), k, c, 9)
    return g.reshape(g.transpose(w, 1, 0, 2), c, k, 3, 3)


def unstack(g, parts, k, c):
    """Nine [K,C] as [K,C,3,3]."""
    w = g.reshape(g.Concat(*parts, axis=0), 9, k, c)
    return g.reshape(g.transpose(w, 1, 2, 0), k, c, 3, 3)


def dw_nine(g, x, dy, b, c, k, s):
    """Nine GEMMs [K,n] @ [n,C] over windows of x in NHWC."""
    n = b * s * s
    dy = rows(g, dy, k, n)
    return unstack(g, [g.MatMul(dy, g.reshape(t, n, c)) for t in windows(g, padded_nhwc(g, x), [1, 2], s)], k, c)


def dw_nine_cnhw(g, x, dy, b, c, k, s):
    """Nine GEMMs [C,n] @ [n,K] over windows of x with channels first."""
    n = b * s * s
    x = padded_nchw(g, g.transpose(x, 1, 0, 2, 3))
    dy = g.reshape(g.transpose(dy, 0, 2, 3, 1), n, k)
    parts = [g.MatMul(g.reshape(t, c, n), dy) for t in windows(g, x, [2, 3], s)]
    w = g.reshape(g.Concat(*parts, axis=0), 9, c, k)
    return g.reshape(g.transpose(w, 2, 1, 0), k, c, 3, 3)


def dw_nine_flat(g, x, dy, b, c, k, s):
    """Nine GEMMs over one padded NHWC matrix shifted by whole rows: every window is contiguous; (S+1)^2/S^2 more work."""
    p = s + 1
    m = b * p * p
    x = g.Pad(g.transpose(x, 0, 2, 3, 1), g.constant([0, 0, 0, 0, 0, 1, 1, 0]))
    x = g.Pad(g.reshape(x, m, c), g.constant([p + 1, 0, p + 1, 0]))
    dy = g.Pad(g.transpose(dy, 1, 0, 2, 3), g.constant([0, 0, 0, 0, 0, 0, 1, 1]))
    dy = g.reshape(dy, k, m)
    starts = [i * p + j for i in range(3) for j in range(3)]
    shifted = [g.call("Slice", x, g.constant([a]), g.constant([a + m]), g.constant([0])) for a in starts]
    return unstack(g, [g.MatMul(dy, t) for t in shifted], k, c)


def dw_im2col(g, x, dy, b, c, k, s):
    """One GEMM [K,n] @ [n,9C]."""
    n = b * s * s
    columns = g.Concat(*(g.reshape(t, n, c) for t in windows(g, padded_nhwc(g, x), [1, 2], s)), axis=1)
    w = g.reshape(g.MatMul(rows(g, dy, k, n), columns), k, 9, c)
    return g.reshape(g.transpose(w, 0, 2, 1), k, c, 3, 3)


def dw_im2col_cnhw(g, x, dy, b, c, k, s):
    """One GEMM [9C,n] @ [n,K]."""
    n = b * s * s
    x = padded_nchw(g, g.transpose(x, 1, 0, 2, 3))
    columns = g.Concat(*(g.reshape(t, c, n) for t in windows(g, x, [2, 3], s)), axis=0)
    dy = g.reshape(g.transpose(dy, 0, 2, 3, 1), n, k)
    w = g.reshape(g.MatMul(columns, dy), 9, c, k)
    return g.reshape(g.transpose(w, 2, 1, 0), k, c, 3, 3)


def dw_conv(g, x, dy, b, c, k, s):
    """A convolution whose kernel is dY, batch and channels swapped."""
    x, dy = g.transpose(x, 1, 0, 2, 3), g.transpose(dy, 1, 0, 2, 3)
    return g.transpose(g.Conv(x, dy, pads=[1] * 4, kernel_shape=[s, s]), 1, 0, 2, 3)


def dw_per_sample(g, x, dy, b, c, k, s):
    """B GEMMs [K,S*S] @ [S*S,9C], summed."""
    parts = (g.reshape(t, b, s * s, c) for t in windows(g, padded_nhwc(g, x), [1, 2], s))
    w = g.MatMul(g.reshape(dy, b, k, s * s), g.Concat(*parts, axis=2))
    w = g.reshape(g.ReduceSum(w, g.constant([0]), keepdims=0), k, 9, c)
    return g.reshape(g.transpose(w, 0, 2, 1), k, c, 3, 3)


FORWARD = {
    "Conv": lambda g, b, c, k, s: conv(g, "x", "w"),
    "im2col, one GEMM": lambda g, b, c, k, s: conv_im2col(g, "x", "w", b, c, k, s),
}
INPUT_GRADIENT = {
    "ConvTranspose": lambda g, b, c, k, s: g.ConvTranspose("dy", "w", pads=[1] * 4, kernel_shape=[3, 3]),
    "Conv, W flipped by Gather": lambda g, b, c, k, s: conv(g, "dy", flip_gather(g, "w", c, k)),
    "Conv, W flipped by MatMul": lambda g, b, c, k, s: conv(g, "dy", flip(g, "w", c, k)),
    "Conv, W flipped before": lambda g, b, c, k, s: conv(g, "dy", "wf"),
}
WEIGHT_GRADIENT = {
    "nine GEMMs, NHWC windows": lambda g, *a: dw_nine(g, "x", "dy", *a),
    "nine GEMMs, CNHW windows": lambda g, *a: dw_nine_cnhw(g, "x", "dy", *a),
    "nine GEMMs, flat shifts": lambda g, *a: dw_nine_flat(g, "x", "dy", *a),
    "im2col NHWC, one GEMM": lambda g, *a: dw_im2col(g, "x", "dy", *a),
    "im2col CNHW, one GEMM": lambda g, *a: dw_im2col_cnhw(g, "x", "dy", *a),
    "Conv with dY as kernel": lambda g, *a: dw_conv(g, "x", "dy", *a),
    "per-sample GEMM": lambda g, *a: dw_per_sample(g, "x", "dy", *a),
}
