"""A training step in PyTorch: f32 or autocast to bf16, as it is or compiled, with the fused AdamW."""

import numpy as np


def open_step(work, engine, precision, threads):
    if engine not in ("torch", "compile"):
        raise NotImplementedError("it does not train")
    from networks import set_threads

    set_threads(threads)
    import torch
    from diffusers import UNet2DConditionModel

    folder, batch = work["model"], work["batch"]
    unet = UNet2DConditionModel.from_pretrained(folder, subfolder="unet").train()
    parameters = list(unet.parameters())
    network = torch.compile(unet) if engine == "compile" else unet

    def read(name, *shape):
        return torch.from_numpy(np.fromfile(f"{folder}/{name}.f32", np.float32).reshape(batch, *shape))

    side, channels = unet.config.sample_size, unet.config.in_channels
    side = side if isinstance(side, (list, tuple)) else [side, side]
    noisy, clean = read("noisy", channels, *side), read("clean", channels, *side)
    timestep, context = read("timestep"), read("context", 24, unet.config.cross_attention_dim)
    # No rate: the weights stay what they are, so that every step is the same work with the same answer.
    optimizer = torch.optim.AdamW(parameters, lr=0.0, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    averages = [p.detach().clone() for p in parameters]

    def run():
        for p in parameters:
            p.grad = None
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            loss = ((network(noisy, timestep, context).sample.float() - clean) ** 2).mean()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        torch._foreach_lerp_(averages, parameters, 0.1)
        return np.array([loss.item(), norm.item()])

    return run
