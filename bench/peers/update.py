"""AdamW with EMA of 19 M parameters in 250 tensors, in PyTorch. Run: python bench/peers/update.py [rounds]"""

import sys
import time

import torch

SIZES = [1327104] * 2 + [589824] * 16 + [294912] * 10 + [147456] * 10 + [65536] * 38 + [256] * 174


def candidate(**how):
    parameters = [torch.nn.Parameter(torch.randn(n)) for n in SIZES]
    average = [p.detach().clone() for p in parameters]
    for p in parameters:
        p.grad = torch.randn_like(p) * 0.1
    adam = torch.optim.AdamW(parameters, lr=1e-4, betas=(0.9, 0.99), weight_decay=0.01, **how)

    def run():
        adam.step()
        with torch.no_grad():
            torch._foreach_lerp_(average, parameters, 0.001)

    return run


def main():
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    torch.set_num_threads(2)
    ways = {"foreach": {"foreach": True}, "fused": {"fused": True}, "for loop": {"foreach": False, "fused": False}}
    runs = {name: candidate(**how) for name, how in ways.items()}
    times = {name: [] for name in runs}
    for _ in range(rounds + 1):
        for name, run in runs.items():
            start = time.perf_counter()
            run()
            times[name].append((time.perf_counter() - start) * 1e3)
    for name, t in times.items():
        t = sorted(t[1:])
        print(f"PyTorch AdamW {name:10s} + EMA {t[0]:6.0f} ms ({t[len(t) // 2]:.0f})")


main()
