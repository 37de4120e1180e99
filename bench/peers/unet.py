"""The peers of bench/unet.ts on the same weights: diffusers' UNet in PyTorch, or its plain ONNX export in ONNX Runtime.

Run by the benchmark: python bench/peers/unet.py MODEL torch|export|onnx THREADS SIDE
"""

import os
import sys

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from safetensors.numpy import load_file
from worker import cost, serve

model, kind, threads, side = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
graph = f"{model}/export-{side}-onnx/network.onnx"  # the one that bench/all.ts makes, too
given = {k: np.ascontiguousarray(v) for k, v in load_file(f"{model}/inputs-{side}.safetensors").items()}
names = ["sample", "timestep", "context"]


class Plain(torch.nn.Module):
    def __init__(self, unet):
        super().__init__()
        self.unet = unet

    def forward(self, sample, timestep, context):
        return self.unet(sample, timestep, context, return_dict=False)[0]


def load():
    return Plain(UNet2DConditionModel.from_pretrained(model, subfolder="unet").eval())


def export():
    os.makedirs(os.path.dirname(graph), exist_ok=True)
    inputs = tuple(torch.from_numpy(given[n]) for n in names)
    axes = {name: {0: "rows"} for name in [*names, "out"]}
    torch.onnx.export(load(), inputs, graph, opset_version=17, input_names=names, output_names=["out"],
                      dynamic_axes=axes, dynamo=False)  # fmt: skip


def run_torch():
    torch.set_num_threads(threads)
    unet = load()
    inputs = [torch.from_numpy(given[n]) for n in names]

    def run():
        with torch.no_grad():
            return unet(*inputs).numpy()

    return run


def run_onnx():
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.add_free_dimension_override_by_name("rows", 1)
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    return lambda: session.run(["out"], given)[0]


def main():
    if kind == "export":
        if not os.path.exists(graph):
            export()
        return
    run = {"torch": run_torch, "onnx": run_onnx}[kind]()

    def answer(request):
        if request["do"] == "run":
            return cost(run)
        wanted = load_file(f"{model}/output-{side}.safetensors")["out"]
        return {"difference": float(np.abs(run() - wanted).max()), "largest": float(np.abs(wanted).max())}

    serve(answer)


main()
