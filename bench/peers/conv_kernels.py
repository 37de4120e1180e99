"""Which lowering of a 3x3 convolution and its two gradients is fastest, per shape and engine (GFLOP/s).

Run: python bench/peers/conv_kernels.py [rounds]
"""

import sys

import numpy as np
from engines import THREADS, Graph, measure, ort, ov  # before torch, see there
from lowerings import FORWARD, INPUT_GRADIENT, WEIGHT_GRADIENT

import torch
import torch.nn.functional as F

B = 16
SHAPES = [(64, 64, 16), (80, 80, 16), (144, 144, 16), (128, 128, 8), (256, 128, 8), (192, 192, 4), (64, 64, 32)]
PARTS = {"forward": FORWARD, "input gradient": INPUT_GRADIENT, "weight gradient": WEIGHT_GRADIENT}


def torch_candidates(x, w, dy, dtype):
    layouts = {"nchw": torch.contiguous_format, "nhwc": torch.channels_last}
    back = torch.ops.aten.convolution_backward
    found = {part: {} for part in PARTS}
    for layout, memory in layouts.items():
        tx, tw, ty = (torch.from_numpy(a).to(dtype).contiguous(memory_format=memory) for a in (x, w, dy))
        args = (None, [1, 1], [1, 1], [1, 1], False, [0, 0], 1)
        found["forward"][layout] = lambda tx=tx, tw=tw: F.conv2d(tx, tw, padding=1)
        found["input gradient"][layout] = lambda a=(ty, tx, tw): back(*a, *args, [True, False, False])[0]
        found["weight gradient"][layout] = lambda a=(ty, tx, tw): back(*a, *args, [False, True, False])[1]
    return found


def candidates(part, feeds, want, peers, shape):
    runs = {}
    for dtype, found in peers.items():
        for layout, run in found[part].items():
            runs[f"PyTorch {layout}", dtype] = run
    for way, build in PARTS[part].items():
        g = Graph(**{n: a.shape for n, a in feeds.items()})
        model = g.bytes(build(g, B, *shape))
        made = {("ORT " + way, "f32"): ort(model, feeds)}
        for precision in ("f32", "bf16"):
            made["OpenVINO " + way, precision] = ov(model, feeds, precision)
        for (name, dtype), run in made.items():
            got = np.asarray(run()[0], np.float32)
            worst = np.abs(got - want).max() / np.abs(want).max()
            if worst > (1e-4 if dtype == "f32" else 3e-2):
                print(f"    WRONG {name} {dtype}: {worst:.2g}")
            runs[name, dtype] = run
    return runs


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    torch.set_num_threads(THREADS)
    torch.set_grad_enabled(False)
    random = np.random.default_rng(1)
    for c, k, s in SHAPES:
        x = random.standard_normal((B, c, s, s), np.float32)
        w = random.standard_normal((k, c, 3, 3), np.float32) * np.float32((9 * c) ** -0.5)
        dy = random.standard_normal((B, k, s, s), np.float32)
        wf = np.ascontiguousarray(w.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1])
        feeds = {"x": x, "w": w, "dy": dy, "wf": wf}
        gflop = 2 * B * c * k * 9 * s * s / 1e9
        peers = {n: torch_candidates(x, w, dy, d) for n, d in (("f32", torch.float32), ("bf16", torch.bfloat16))}
        print(f"\n{c}->{k} channels, {s}x{s}, batch {B}: GFLOP/s (best of {rounds} interleaved rounds; ms in brackets)")
        for part in PARTS:
            want = peers["f32"][part]["nchw"]().numpy()
            took = measure(candidates(part, feeds, want, peers, (c, k, s)), rounds)
            print(f"  {part}")
            for name in dict.fromkeys(n for n, _ in took):
                cells = [(d, took.get((name, d))) for d in ("f32", "bf16")]
                text = "  ".join(f"{d} {gflop / t[0] * 1e3:5.0f} ({t[0]:.2f})" for d, t in cells if t)
                print(f"    {name:38s} {text}")
            sys.stdout.flush()


main()
