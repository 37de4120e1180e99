"""A whole picture by diffusers' pipeline in each peer; for OpenVINO, UNet and decoder run there, the rest in PyTorch."""

import numpy as np
from networks import compiled, set_threads


def program_of(module, inputs, precision, threads):
    """OpenVINO's program of a module at the shapes of its inputs, as a function of tensors."""
    import openvino
    import torch

    with torch.no_grad():
        model = openvino.convert_model(module, example_input=inputs, input=[list(t.shape) for t in inputs])
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    program = openvino.Core().compile_model(model, "CPU", settings)
    return lambda *tensors: torch.from_numpy(program([t.numpy() for t in tensors])[0])


def use_openvino(pipeline, latent, precision, threads):
    import torch

    class Unet(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = pipeline.unet

        def forward(self, sample, timestep, context):
            return self.network(sample, timestep, context, return_dict=False)[0]

    tokens, width = pipeline.tokenizer.model_max_length, pipeline.unet.config.cross_attention_dim
    rows = torch.zeros(2, *latent[1:])
    unet = program_of(Unet().eval(), (rows, torch.zeros(2), torch.zeros(2, tokens, width)), precision, threads)
    decoder = program_of(pipeline.vae.decoder, (torch.zeros(*latent),), precision, threads)

    def call_unet(sample, timestep, encoder_hidden_states, **_):
        steps = timestep.reshape(-1).float().expand(len(sample)).contiguous()
        return (unet(sample.contiguous(), steps, encoder_hidden_states.contiguous()),)

    pipeline.unet.forward = call_unet
    pipeline.vae.decoder.forward = lambda z, *_: decoder(z.contiguous())


def open_picture(work, engine, precision, threads):
    if engine.endswith("onnx"):
        raise NotImplementedError("a plain ONNX export has no pipeline of its own")
    set_threads(threads)
    import torch
    from diffusers import StableDiffusionPipeline
    from safetensors.numpy import load_file

    narrow = precision == "bf16" and engine != "openvino"
    dtype = torch.bfloat16 if narrow else torch.float32
    pipeline = StableDiffusionPipeline.from_pretrained(work["model"], torch_dtype=dtype)
    pipeline.set_progress_bar_config(disable=True)
    noise = torch.from_numpy(load_file(work["given"])["noise"])
    if engine == "compile":
        pipeline.unet = compiled(pipeline.unet)
        pipeline.vae.decoder = compiled(pipeline.vae.decoder)
    if engine == "openvino":
        use_openvino(pipeline, noise.shape, precision, threads)

    def run():
        with torch.no_grad():
            images = pipeline(
                work["prompt"],
                num_inference_steps=work["steps"],
                guidance_scale=work["guidance"],
                latents=noise.to(dtype),
                output_type="np",
            ).images
        return np.round(images[0] * 255)

    return run
