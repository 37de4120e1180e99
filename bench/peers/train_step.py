"""The peer of bench/train-step.ts: the same network, numbers and step in PyTorch.

Run by the benchmark: python bench/peers/train_step.py FOLDER BATCH THREADS
"""

import sys

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from worker import cost, serve

folder, batch, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
torch.set_num_threads(threads)
unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet").train()
parameters = list(unet.parameters())


def read(name, *shape):
    return torch.from_numpy(np.fromfile(f"{folder}/{name}.f32", np.float32).reshape(batch, *shape))


side, channels = unet.config.sample_size, unet.config.in_channels
side = side if isinstance(side, (list, tuple)) else [side, side]
noisy, clean = read("noisy", channels, *side), read("clean", channels, *side)
timestep, context = read("timestep"), read("context", 24, unet.config.cross_attention_dim)
settings = dict(lr=1e-5, betas=(0.9, 0.99), weight_decay=0.01)
optimizers = {
    "update": torch.optim.AdamW(parameters, **settings),
    "fused update": torch.optim.AdamW(parameters, fused=True, **settings),
}
averages = [p.detach().clone() for p in parameters]


def loss():
    return ((unet(noisy, timestep, context).sample - clean) ** 2).mean()


def gradients():
    for p in parameters:
        p.grad = None
    value = loss()
    value.backward()
    return value.item()


def forward():
    with torch.no_grad():
        loss()


def update(optimizer):
    torch.nn.utils.clip_grad_norm_(parameters, 1.0)
    optimizer.step()
    torch._foreach_lerp_(averages, parameters, 0.1)


def check():
    value = gradients()
    return {"loss": value, "norm": torch.nn.utils.get_total_norm([p.grad for p in parameters]).item()}


def answer(request):
    do = request["do"]
    if do == "check":
        return check()
    if do in optimizers:
        return cost(lambda: update(optimizers[do]))
    half = do.startswith("bf16 ")
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=half):
        return cost({"forward": forward, "gradients": gradients}[do.removeprefix("bf16 ")])


serve(answer)
