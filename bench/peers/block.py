"""A training step of one residual block and self-attention: ONNX Runtime and OpenVINO beside PyTorch, split by part.

residual: y = x + conv(silu(gn(conv(silu(gn(x)))))); attention: y = x + proj(attention(gn(x))), 4 heads; x is
16 x C x 16 x 16. All weights are graph inputs; the gradients are written out by hand in ONNX operators. "forward + dx"
leaves the weight gradients out.

Run: python bench/peers/block.py [rounds] [folder to keep the graphs in] [residual-80 …]
"""

import os
import sys

import numpy as np
from engines import THREADS, Graph, measure, ort, ov  # before torch, see there
from lowerings import conv, dw_im2col, dw_nine, dw_per_sample, flip

import torch
import torch.nn.functional as F

B, S, GROUPS, EPS, HEADS = 16, 16, 16, 1e-5, 4
MS = "com.microsoft"


class Step:
    """Builds the block's graph; `flavour` picks the lowering that is fastest on each engine."""

    def __init__(self, c, flavour, shapes):
        self.c, self.flavour = c, flavour
        self.g = Graph(**shapes)
        self.grads = {}

    def norm(self, x, name):
        g, c = self.g, self.c
        k, n = c // GROUPS, c // GROUPS * S * S
        flat = g.reshape(x, B, GROUPS, n)
        if self.flavour == "ort":
            ones, zeros = g.constant(np.ones(n), np.float32), g.constant(np.zeros(n), np.float32)
            hat, _, r = g.call("LayerNormalization", flat, ones, zeros, outputs=3, axis=-1, epsilon=EPS)
        else:
            centred = g.Sub(flat, g.ReduceMean(flat, g.constant([-1])))
            v = g.ReduceMean(g.Mul(centred, centred), g.constant([-1]))
            r = g.Div(g.scalar(1.0), g.Sqrt(g.Add(v, g.scalar(EPS))))
            hat = g.Mul(centred, r)
        y = g.Mul(g.reshape(hat, B, c, S, S), g.reshape(name + ".w", c, 1, 1))
        y = g.Add(y, g.reshape(name + ".b", c, 1, 1))

        def back(dy):
            dyk, hatk = g.reshape(dy, B, GROUPS, k, S * S), g.reshape(hat, B, GROUPS, k, S * S)
            sd = g.ReduceSum(dyk, g.constant([3]), keepdims=0)
            sdx = g.ReduceSum(g.Mul(dyk, hatk), g.constant([3]), keepdims=0)
            self.grads[name + ".w"] = g.reshape(g.ReduceSum(sdx, g.constant([0]), keepdims=0), c)
            self.grads[name + ".b"] = g.reshape(g.ReduceSum(sd, g.constant([0]), keepdims=0), c)
            gamma, scale = g.reshape(name + ".w", 1, GROUPS, k), g.Mul(r, g.scalar(-1.0 / n))
            p = g.Mul(g.ReduceSum(g.Mul(sdx, gamma), g.constant([2])), scale)
            q = g.Mul(g.ReduceSum(g.Mul(sd, gamma), g.constant([2])), scale)
            z = g.Mul(dyk, g.reshape(g.Mul(gamma, r), B, GROUPS, k, 1))
            t = g.Add(g.Mul(hat, p), q)
            return g.Add(g.reshape(z, B, c, S, S), g.reshape(t, B, c, S, S))

        return y, back

    def silu(self, x):
        g = self.g
        if self.flavour == "ort":
            y = g.QuickGelu(x, domain=MS, alpha=1.0)
        else:
            y = g.Mul(x, g.Sigmoid(x))
        return y, lambda dy: g.Mul(g.Mul(dy, g.Sigmoid(x)), g.Add(g.Sub(x, y), g.scalar(1.0)))

    def conv(self, x, name):
        g, c = self.g, self.c
        w = name + ".w"
        y = g.Conv(x, w, name + ".b", pads=[1] * 4, kernel_shape=[3, 3])

        def back(dy):
            dw = {"ort": dw_nine, "ov": dw_nine, "ov16": dw_per_sample, "small": dw_im2col}[self.flavour]
            self.grads[w] = dw(g, x, dy, B, c, c, S)
            self.grads[name + ".b"] = g.ReduceSum(dy, g.constant([0, 2, 3]), keepdims=0)
            if self.flavour == "ov":
                return g.ConvTranspose(dy, w, pads=[1] * 4, kernel_shape=[3, 3])
            return conv(g, dy, flip(g, w, c, c))

        return y, back

    def linear(self, x, name):
        g = self.g
        y = g.Gemm(x, name + ".w", name + ".b", transB=1)

        def back(dy):
            self.grads[name + ".w"] = g.Gemm(dy, x, transA=1)
            self.grads[name + ".b"] = g.ReduceSum(dy, g.constant([0]), keepdims=0)
            return g.MatMul(dy, name + ".w")

        return y, back

    def product(self, a, b, ta=0, tb=0, alpha=1.0):
        g = self.g
        if self.flavour == "ort":
            return g.FusedMatMul(a, b, domain=MS, transA=ta, transB=tb, alpha=alpha)
        a = g.transpose(a, 0, 1, 3, 2) if ta else a
        b = g.transpose(b, 0, 1, 3, 2) if tb else b
        y = g.MatMul(a, b)
        return y if alpha == 1.0 else g.Mul(y, g.scalar(alpha))

    def attention(self, x):
        """softmax(Q Kt / sqrt(D)) V over [B*S*S, C]; the row means of the softmax's gradient ride on the GEMM as a column."""
        g, c, n = self.g, self.c, S * S
        heads, width = HEADS, c // HEADS
        alpha = width**-0.5
        split = lambda t: g.transpose(g.reshape(t, B, n, heads, width), 0, 2, 1, 3)
        join = lambda t: g.reshape(g.transpose(t, 0, 2, 1, 3), B * n, c)
        lines = {name: self.linear(x, name) for name in ("q", "k", "v")}
        q, k, v = (split(lines[name][0]) for name in ("q", "k", "v"))
        p = g.Softmax(self.product(q, k, tb=1, alpha=alpha), axis=-1)
        o = self.product(p, v)
        y, back_o = self.linear(join(o), "o")

        def back(dy):
            do = split(back_o(dy))
            rowsum = g.Neg(g.ReduceSum(g.Mul(do, o), g.constant([3])))
            one = g.constant(np.ones((B, heads, n, 1)), np.float32)
            ds = g.Mul(p, self.product(g.Concat(do, rowsum, axis=3), g.Concat(v, one, axis=3), tb=1))
            dq, dk = self.product(ds, k, alpha=alpha), self.product(ds, q, ta=1, alpha=alpha)
            dv = self.product(p, do, ta=1)
            dx = [lines[name][1](join(d)) for name, d in (("q", dq), ("k", dk), ("v", dv))]
            return g.Add(g.Add(dx[0], dx[1]), dx[2])

        return y, back

    def residual(self):
        h, stack = "x", []
        for i in "12":
            for make in (lambda t: self.norm(t, "gn" + i), self.silu, lambda t: self.conv(t, "conv" + i)):
                h, back = make(h)
                stack.append(back)

        def back_all(d):
            for back in reversed(stack):
                d = back(d)
            return d

        return h, back_all

    def attended(self):
        g, c, n = self.g, self.c, S * S
        lines = lambda t: g.reshape(g.transpose(g.reshape(t, B, c, n), 0, 2, 1), B * n, c)
        planes = lambda t: g.reshape(g.transpose(g.reshape(t, B, n, c), 0, 2, 1), B, c, S, S)
        t, back_norm = self.norm("x", "gn1")
        t, back_attention = self.attention(lines(t))
        return planes(t), lambda d: back_norm(planes(back_attention(lines(d))))

    def build(self, piece, part):
        g = self.g
        h, back = self.residual() if piece == "residual" else self.attended()
        out = g.Add("x", h)
        if part == "forward":
            return g.bytes(out), ["out"]
        dx = g.Add("dout", back("dout"))
        if part == "forward + dx":
            return g.bytes(out, dx), ["out", "dx"]
        return g.bytes(out, dx, *self.grads.values()), ["out", "dx", *self.grads]


def parameters(c, piece, random):
    found = {}
    for i in "12" if piece == "residual" else "1":
        found[f"gn{i}.w"], found[f"gn{i}.b"] = 1 + 0.1 * random.standard_normal(c), 0.1 * random.standard_normal(c)
    for i in "12" if piece == "residual" else "":
        found[f"conv{i}.w"] = random.standard_normal((c, c, 3, 3)) * (9 * c) ** -0.5
        found[f"conv{i}.b"] = 0.1 * random.standard_normal(c)
    for i in "qkvo" if piece == "attention" else "":
        found[f"{i}.w"], found[f"{i}.b"] = random.standard_normal((c, c)) * c**-0.5, 0.1 * random.standard_normal(c)
    return {n: a.astype(np.float32) for n, a in found.items()}


def residual(x, w):
    h = x
    for i in "12":
        h = F.silu(F.group_norm(h, GROUPS, w[f"gn{i}.w"], w[f"gn{i}.b"], EPS))
        h = F.conv2d(h, w[f"conv{i}.w"], w[f"conv{i}.b"], padding=1)
    return x + h


def explicit(q, k, v):
    return torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, -1) @ v


def attention(x, w, kernel):
    t = F.group_norm(x, GROUPS, w["gn1.w"], w["gn1.b"], EPS).flatten(2).transpose(1, 2)
    q, k, v = (F.linear(t, w[n + ".w"], w[n + ".b"]).unflatten(2, (HEADS, -1)).transpose(1, 2) for n in "qkv")
    t = kernel(q, k, v).transpose(1, 2).flatten(2)
    return x + F.linear(t, w["o.w"], w["o.b"]).transpose(1, 2).reshape(x.shape)


BLOCKS = {
    "residual": residual,
    "attention": lambda x, w: attention(x, w, F.scaled_dot_product_attention),
    "explicit attention": lambda x, w: attention(x, w, explicit),
}


def torch_step(block, feeds, part, dtype, memory):
    """bf16 as training does it: f32 master weights under autocast."""
    to = lambda a: torch.from_numpy(a).to(memory_format=memory) if a.ndim == 4 else torch.from_numpy(a)
    t = {n: to(a.copy()) for n, a in feeds.items()}
    x, dout = t.pop("x"), t.pop("dout")
    if part == "forward":
        def run():
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bf16"):
                return [block(x, t)]
        return run
    x.requires_grad_(True)
    for a in t.values():
        a.requires_grad_(part == "all")
    wanted = [x, *t.values()] if part == "all" else [x]

    def run():
        with torch.autocast("cpu", torch.bfloat16, enabled=dtype == "bf16"):
            y = block(x, t)
        return [y.detach(), *torch.autograd.grad(y, wanted, dout.to(y.dtype))]

    run.names = ["out", "dx", *t] if part == "all" else ["out", "dx"]
    return run


def check(name, got, names, want, limit):
    for n, a in zip(names, got):
        b = want[n]
        scale = np.abs(b).max() if n != "k.b" else 1.0  # the keys' bias has no gradient
        worst = np.abs(np.asarray(a, np.float32).reshape(b.shape) - b).max() / scale
        if worst > limit:
            print(f"    WRONG {name} {n}: {worst:.2g}")


def peers(piece, feeds, part):
    runs = {}
    for dtype in ("f32", "bf16"):
        for layout, memory in (("nchw", torch.contiguous_format), ("nhwc", torch.channels_last)):
            runs[f"PyTorch {dtype} {layout}"] = torch_step(BLOCKS[piece], feeds, part, dtype, memory)
        if piece == "attention":
            step = torch_step(BLOCKS["explicit attention"], feeds, part, dtype, torch.contiguous_format)
            runs[f"PyTorch {dtype} nchw, explicit softmax"] = step
    return runs


def ours(c, piece, feeds, part, want, folder):
    runs = {}
    for flavour, name, make in (
        ("ort", "ONNX Runtime f32", ort),
        ("ov", "OpenVINO f32", lambda m, f: ov(m, f, "f32")),
        ("ov16", "OpenVINO bf16", lambda m, f: ov(m, f, "bf16")),
    ):
        model, names = Step(c, flavour, {n: a.shape for n, a in feeds.items()}).build(piece, part)
        if folder and flavour == "ort":
            os.makedirs(folder, exist_ok=True)
            with open(f"{folder}/{piece}-{c}-{part.replace(' + ', '-')}.onnx", "wb") as file:
                file.write(model)
        runs[name] = make(model, feeds)
        check(name, runs[name](), names, want, 0.05 if "bf16" in name else 2e-4)
    return runs


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    folder = sys.argv[2] if len(sys.argv) > 2 else None
    torch.set_num_threads(THREADS)
    random = np.random.default_rng(1)
    for c in (80, 144):
        for piece in ("residual", "attention"):
            if sys.argv[3:] and f"{piece}-{c}" not in sys.argv[3:]:
                continue
            feeds = parameters(c, piece, random)
            for n in ("x", "dout"):
                feeds[n] = random.standard_normal((B, c, S, S), np.float32)
            reference = torch_step(BLOCKS[piece], feeds, "all", "f32", torch.contiguous_format)
            want = dict(zip(reference.names, (t.numpy() for t in reference())))
            print(f"\n{piece}, {c} channels, {S}x{S}, batch {B}: milliseconds, best (median) [x best PyTorch f32, bf16]")
            for part in ("forward", "forward + dx", "all"):
                runs = peers(piece, feeds, part) | ours(c, piece, feeds, part, want, folder)
                took = measure(runs, rounds, burst=3, budget=0.2)
                best = {d: min(t[0] for n, t in took.items() if n.startswith(f"PyTorch {d}")) for d in ("f32", "bf16")}
                print(f"  {part}")
                for name, (low, middle) in took.items():
                    print(f"    {name:36s} {low:7.2f} ({middle:6.2f})  [{low / best['f32']:.2f}, {low / best['bf16']:.2f}]")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
