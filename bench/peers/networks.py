"""One network of a model folder in each peer: the text encoder, the UNet or the decoder."""

import contextlib
import os

import numpy as np
from safetensors.numpy import load_file


def inputs_of(work):
    """Arrays by name in the order of the network's arguments."""
    given = load_file(work["given"])
    arrays = {name: np.ascontiguousarray(given[name]) for name in work["shapes"]}
    return {name: a.astype(np.int64) if name == "ids" else a for name, a in arrays.items()}


def plain(work):
    """The network as a module of tensors in, one tensor out."""
    import torch
    from diffusers import AutoencoderKL, UNet2DConditionModel

    folder, kind = work["model"], work["kind"]

    class Text(torch.nn.Module):
        def __init__(self):
            super().__init__()
            from transformers import CLIPTextModel

            self.network = CLIPTextModel.from_pretrained(os.path.join(folder, "text_encoder"))

        def forward(self, ids):
            return self.network(ids).last_hidden_state

    class Unet(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.network = UNet2DConditionModel.from_pretrained(folder, subfolder="unet")

        def forward(self, sample, timestep, context):
            return self.network(sample, timestep, context, return_dict=False)[0]

    class Vae(torch.nn.Module):
        def __init__(self):
            super().__init__()
            network = AutoencoderKL.from_pretrained(folder, subfolder="vae")
            del network.encoder, network.quant_conv
            self.network, self.scale = network, network.config.scaling_factor

        def forward(self, latents):
            network = self.network
            return network.decoder(network.post_quant_conv(latents / self.scale))

    return {"text": Text, "unet": Unet, "vae": Vae}[kind]().eval().float()


def set_threads(threads):
    # In a process that loads torch 2.9.1 before ONNX Runtime, some pointwise ops of it run many times slower.
    with contextlib.suppress(ImportError):
        import onnxruntime  # noqa: F401
    import torch

    torch.set_num_threads(threads)


def compiled(module):
    """torch.compile with weights frozen and packed, its fastest way on a CPU."""
    import torch
    import torch._inductor.config

    torch._inductor.config.freezing = True
    return torch.compile(module)


def open_torch(work, compile, precision, threads):
    set_threads(threads)
    import torch

    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    module = plain(work).to(dtype)
    run_module = compiled(module) if compile else module
    inputs = [torch.from_numpy(a) for a in inputs_of(work).values()]
    inputs = [t.to(dtype) if t.is_floating_point() else t for t in inputs]

    def run():
        with torch.no_grad():
            return run_module(*inputs).float().numpy()

    return run


def open_openvino(work, engine, precision, threads):
    import openvino
    from exports import path_of

    core = openvino.Core()
    model = core.read_model(path_of(work, engine))
    inputs = inputs_of(work)
    model.reshape({name: list(a.shape) for name, a in inputs.items()})
    settings = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": threads,
        "PERFORMANCE_HINT": "LATENCY",
    }
    request = core.compile_model(model, "CPU", settings).create_infer_request()
    for name, a in inputs.items():
        request.set_tensor(name, openvino.Tensor(a, shared_memory=True))

    def run():
        request.infer()
        return request.get_output_tensor(0).data

    run.keep = inputs  # the request shares their memory and does not hold them
    return run


def open_onnx(work, threads):
    import onnxruntime
    from exports import path_of

    inputs = inputs_of(work)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_free_dimension_override_by_name("rows", next(iter(inputs.values())).shape[0])
    session = onnxruntime.InferenceSession(path_of(work, "onnx"), options, providers=["CPUExecutionProvider"])
    return lambda: session.run(["out"], inputs)[0]


def open_network(work, engine, precision, threads):
    if engine.startswith("openvino"):
        return open_openvino(work, engine, precision, threads)
    if engine == "onnx":
        return open_onnx(work, threads)
    return open_torch(work, engine == "compile", precision, threads)
