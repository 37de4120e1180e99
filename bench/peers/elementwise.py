"""GroupNorm and SiLU, forward and backward: which formulation in ONNX operators is fastest (microseconds).

Run: python bench/peers/elementwise.py [rounds]
"""

import sys

import numpy as np
from engines import THREADS, Graph, measure, ort, ov  # before torch, see there

import torch
import torch.nn.functional as F

B, GROUPS, EPS = 16, 16, 1e-5
SHAPES = [(80, 16), (144, 16), (192, 8)]
MS = "com.microsoft"


def silu_forward(g, way, c, s):
    if way == "x*Sigmoid(x), unfused":
        return [g.Mul("x", g.Sigmoid("x"))]
    if way == "QuickGelu(1)":
        return [g.QuickGelu("x", domain=MS, alpha=1.0)]
    if way == "Swish/HardSwish bound: Relu":
        return [g.Relu("x")]


def silu_backward(g, way, c, s):
    sg = "s" if "saved" in way else g.Sigmoid("x")
    if way.startswith("dy*s*(1+x*(1-s))"):
        one = g.scalar(1.0)
        return [g.Mul(g.Mul("dy", sg), g.Add(one, g.Mul("x", g.Sub(one, sg))))]
    if way.startswith("dy*s*(1+x-y)"):
        t = g.Add(g.Sub("x", "y"), g.scalar(1.0))
        return [g.Mul(g.Mul("dy", sg), t)]
    if way.startswith("dy*(s+y*(1-s))"):
        return [g.Mul("dy", g.Add(sg, g.Mul("y", g.Sub(g.scalar(1.0), sg))))]
    if way.startswith("dy*(s+y-y*s)"):
        return [g.Mul("dy", g.Sub(g.Add(sg, "y"), g.Mul("y", sg)))]
    if way == "one Mul (bound)":
        return [g.Mul("dy", "x")]


def norm_forward(g, way, c, s):
    n = c // GROUPS * s * s
    if way == "LN(1,0), Mul, Add":
        ones, zeros = g.constant(np.ones(n), np.float32), g.constant(np.zeros(n), np.float32)
        x = g.LayerNormalization(g.reshape("x", B, GROUPS, n), ones, zeros, axis=-1, epsilon=EPS)
        x = g.reshape(x, B, c, s, s)
        return [g.Add(g.Mul(x, g.reshape("gamma", c, 1, 1)), g.reshape("beta", c, 1, 1))]
    if way == "LN with scale and bias [G,n] (broadcast)":
        full = g.constant([c, s * s])
        gamma = g.reshape(g.Expand(g.reshape("gamma", c, 1), full), 1, GROUPS, n)
        beta = g.reshape(g.Expand(g.reshape("beta", c, 1), full), 1, GROUPS, n)
        x = g.LayerNormalization(g.reshape("x", B, GROUPS, n), gamma, beta, axis=-1, epsilon=EPS)
        return [g.reshape(x, B, c, s, s)]
    if way == "InstanceNormalization, Mul, Add":
        ones, zeros = g.constant(np.ones(GROUPS), np.float32), g.constant(np.zeros(GROUPS), np.float32)
        x = g.InstanceNormalization(g.reshape("x", B, GROUPS, n), ones, zeros, epsilon=EPS)
        x = g.reshape(x, B, c, s, s)
        return [g.Add(g.Mul(x, g.reshape("gamma", c, 1, 1)), g.reshape("beta", c, 1, 1))]
    if way == "ReduceMean twice, x*a+b":
        x = g.reshape("x", B, GROUPS, n)
        m = g.ReduceMean(x, g.constant([-1]))
        v = g.Sub(g.ReduceMean(g.Mul(x, x), g.constant([-1])), g.Mul(m, m))
        r = g.Div(g.scalar(1.0), g.Sqrt(g.Add(v, g.scalar(EPS))))
        a = g.Mul(g.reshape("gamma", 1, GROUPS, c // GROUPS), r)
        b = g.Sub(g.reshape("beta", 1, GROUPS, c // GROUPS), g.Mul(m, a))
        y = g.Add(g.Mul("x", g.reshape(a, B, c, 1, 1)), g.reshape(b, B, c, 1, 1))
        return [y]
    if way == "GroupNormalization-21":
        return [g.GroupNormalization("x", "gamma", "beta", num_groups=GROUPS, epsilon=EPS)]


def stats(g, c, s):
    """Mean and 1/deviation per (sample, group), as LayerNormalization's extra outputs."""
    n = c // GROUPS * s * s
    ones = g.constant(np.ones(n), np.float32)
    _, m, r = g.call("LayerNormalization", g.reshape("x", B, GROUPS, n), ones, outputs=3, axis=-1, epsilon=EPS)
    return m, r


def norm_backward(g, way, c, s):
    """dx, dgamma, dbeta from x, dy, mean m and inverse deviation r [B,G,1] (saved by the forward pass)."""
    k, hw = c // GROUPS, s * s
    n = k * hw
    m, r = "m", "r"
    gamma = g.reshape("gamma", 1, GROUPS, k)
    if way == "textbook: xhat, dxhat, two means":
        x, dy = g.reshape("x", B, GROUPS, n), "dy"
        xhat = g.Mul(g.Sub(x, m), r)
        dxhat = g.reshape(g.Mul(dy, g.reshape("gamma", 1, c, 1, 1)), B, GROUPS, n)
        m1 = g.ReduceMean(dxhat, g.constant([-1]))
        m2 = g.ReduceMean(g.Mul(dxhat, xhat), g.constant([-1]))
        dx = g.Mul(r, g.Sub(g.Sub(dxhat, m1), g.Mul(xhat, m2)))
        dgamma = g.ReduceSum(g.Mul(dy, g.reshape(xhat, B, c, s, s)), g.constant([0, 2, 3]), keepdims=0)
        dbeta = g.ReduceSum(dy, g.constant([0, 2, 3]), keepdims=0)
        return [g.reshape(dx, B, c, s, s), dgamma, dbeta]
    # Row sums per (sample, channel), then dx = a*dy + p*x + q with a per channel, p and q per group.
    dy, x = g.reshape("dy", B, GROUPS, k, hw), g.reshape("x", B, GROUPS, k, hw)
    if "MatMul" in way:  # row sums and row dot products as tiny GEMMs
        rows = B * c
        one = g.constant(np.ones((hw, 1)), np.float32)
        sd = g.reshape(g.MatMul(g.reshape("dy", rows, hw), one), B, GROUPS, k)
        sdx = g.MatMul(g.reshape("dy", rows, 1, hw), g.reshape("x", rows, hw, 1))
        sdx = g.reshape(sdx, B, GROUPS, k)
    else:
        sd = g.ReduceSum(dy, g.constant([3]), keepdims=0)
        sdx = g.ReduceSum(g.Mul(dy, x), g.constant([3]), keepdims=0)
    sdxhat = g.Mul(r, g.Sub(sdx, g.Mul(m, sd)))  # [B,G,k]
    dgamma = g.reshape(g.ReduceSum(sdxhat, g.constant([0]), keepdims=0), c)
    dbeta = g.reshape(g.ReduceSum(sd, g.constant([0]), keepdims=0), c)
    inv = g.scalar(1.0 / n)
    m1 = g.Mul(g.ReduceSum(g.Mul(sd, gamma), g.constant([2])), inv)
    m2 = g.Mul(g.ReduceSum(g.Mul(sdxhat, gamma), g.constant([2])), inv)
    p = g.Neg(g.Mul(g.Mul(r, r), m2))  # dx = a*dy + p*x + q
    q = g.Neg(g.Add(g.Mul(m, p), g.Mul(r, m1)))
    a = g.Mul(gamma, r)
    if "FusedConv" in way:  # x*p+q+Z in one pass, as a depthwise 1x1 convolution with a residual
        z = g.reshape(g.Mul(dy, g.reshape(a, B, GROUPS, k, 1)), 1, B * c, s, s)
        pw = g.reshape(g.Expand(p, g.constant([B, GROUPS, k])), B * c, 1, 1, 1)
        qb = g.reshape(g.Expand(q, g.constant([B, GROUPS, k])), B * c)
        dx = g.FusedConv(g.reshape("x", 1, B * c, s, s), pw, qb, z, domain=MS, group=B * c, kernel_shape=[1, 1])
        return [g.reshape(dx, B, c, s, s), dgamma, dbeta]
    if "BatchNorm" in way:
        z = g.Mul(dy, g.reshape(a, B, GROUPS, k, 1))
        zero, one1 = g.constant(np.zeros(B * GROUPS), np.float32), g.constant(np.ones(B * GROUPS), np.float32)
        xx = g.reshape("x", 1, B * GROUPS, n)
        t = g.BatchNormalization(xx, g.reshape(p, B * GROUPS), g.reshape(q, B * GROUPS), zero, one1, epsilon=0.0)
        return [g.Add(g.reshape(t, B, c, s, s), g.reshape(z, B, c, s, s)), dgamma, dbeta]
    if "centred" in way:  # (x + q/p) folded: a*(dy + u*x + v)
        z = g.Mul(dy, g.reshape(a, B, GROUPS, k, 1))
        t = g.Mul(g.Add(g.reshape("x", B, GROUPS, n), g.Div(q, p)), p)
        return [g.Add(g.reshape(t, B, c, s, s), g.reshape(z, B, c, s, s)), dgamma, dbeta]
    z = g.Mul(dy, g.reshape(a, B, GROUPS, k, 1))
    t = g.Add(g.Mul(g.reshape("x", B, GROUPS, n), p), q)
    return [g.Add(g.reshape(t, B, c, s, s), g.reshape(z, B, c, s, s)), dgamma, dbeta]


WAYS = {
    "SiLU forward": (silu_forward, ["x*Sigmoid(x), unfused", "QuickGelu(1)", "Swish/HardSwish bound: Relu"]),
    "SiLU backward": (silu_backward, ["dy*s*(1+x*(1-s))", "dy*s*(1+x-y)", "dy*s*(1+x-y), s saved", "dy*(s+y*(1-s))",
                                      "dy*(s+y-y*s)", "one Mul (bound)"]),
    "GroupNorm forward": (norm_forward, ["LN(1,0), Mul, Add", "LN with scale and bias [G,n] (broadcast)",
                                         "InstanceNormalization, Mul, Add", "ReduceMean twice, x*a+b"]),
    "GroupNorm backward": (norm_backward, ["textbook: xhat, dxhat, two means", "row sums, a*dy+p*x+q",
                                           "row sums by MatMul", "row sums, BatchNorm for p*x+q",
                                           "row sums, FusedConv for p*x+q+z"]),
}  # fmt: skip


def torch_candidates(t, c):
    x, dy = t["x"], t["dy"]
    out = {"SiLU forward": lambda: [F.silu(x)], "SiLU backward": lambda: [torch.ops.aten.silu_backward(dy, x)]}
    out["GroupNorm forward"] = lambda: [F.group_norm(x, GROUPS, t["gamma"], t["beta"], EPS)]
    hw = x.shape[2] * x.shape[3]
    _, m, r = torch.native_group_norm(x, t["gamma"], t["beta"], B, c, hw, GROUPS, EPS)
    back = torch.ops.aten.native_group_norm_backward
    out["GroupNorm backward"] = lambda: list(back(dy, x, m, r, t["gamma"], B, c, hw, GROUPS, [True] * 3))
    return out, m, r


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    torch.set_num_threads(THREADS)
    torch.set_grad_enabled(False)
    random = np.random.default_rng(1)
    for c, s in SHAPES:
        shape = (B, c, s, s)
        feeds = {n: random.standard_normal(shape, np.float32) for n in ("x", "dy")}
        feeds["s"] = 1 / (1 + np.exp(-feeds["x"]))
        feeds["y"] = feeds["x"] * feeds["s"]
        feeds |= {n: random.standard_normal(c, np.float32) for n in ("gamma", "beta")}
        found, m, r = torch_candidates({n: torch.from_numpy(a) for n, a in feeds.items()}, c)
        half = {n: torch.from_numpy(a).to(torch.bfloat16) for n, a in feeds.items()}
        found16, _, _ = torch_candidates(half, c)
        feeds |= {n: np.ascontiguousarray(t.numpy().reshape(B, GROUPS, 1)) for n, t in (("m", m), ("r", r))}
        print(f"\n[{B},{c},{s},{s}], {GROUPS} groups: microseconds, best (median)")
        for part, (build, ways) in WAYS.items():
            want = [t.numpy() for t in found[part]()]
            runs = {"PyTorch": found[part], "PyTorch bf16": found16[part]}
            for way in ways:
                g = Graph(**{n: a.shape for n, a in feeds.items()})
                model = g.bytes(*build(g, way, c, s))
                level = 0 if "unfused" in way else 99
                made = {"ORT " + way: lambda: ort(model, feeds, level)}
                if "QuickGelu" not in way and "FusedConv" not in way:
                    made["OpenVINO " + way] = lambda: ov(model, feeds, "f32")
                    made["OpenVINO bf16 " + way] = lambda: ov(model, feeds, "bf16")
                for name, make in made.items():
                    try:
                        run = make()
                    except Exception as error:
                        print(f"    {name}: refused: {str(error)[:160]}")
                        continue
                    got = run()
                    worst = max(np.abs(np.asarray(a).reshape(b.shape) - b).max() / np.abs(b).max() for a, b in zip(got, want))
                    if "bound" not in name and worst > (3e-2 if "bf16" in name else 1e-4):
                        print(f"    {name}: WRONG by {worst:.2g}")
                    runs[name] = run
            took = measure(runs, rounds, burst=20, budget=0.02)
            print(f"  {part}")
            for name, (best, middle) in took.items():
                print(f"    {name:58s} {best * 1e3:6.0f} ({middle * 1e3:.0f})")
            sys.stdout.flush()


main()
