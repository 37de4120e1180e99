"""The SD 1.5 UNet with random weights: `unet.onnx` whose initialisers point into `unet.f32.safetensors` or `unet.f16.safetensors`.

Linear weights are stored transposed, as the exported MatMuls want them, so that an engine has nothing to fold.
Run: python bench/peers/export_unet.py FOLDER
"""

import json
import os
import sys

import numpy as np
import onnx
import torch
from diffusers import UNet2DConditionModel
from onnx import TensorProto, helper

CONFIG = dict(
    sample_size=64,
    cross_attention_dim=768,
    attention_head_dim=8,
    block_out_channels=(320, 640, 1280, 1280),
)


class Plain(torch.nn.Module):
    def __init__(self, unet):
        super().__init__()
        self.unet = unet

    def forward(self, sample, timestep, text):
        return self.unet(sample, timestep, text, return_dict=False)[0]


def inputs():
    return torch.randn(1, 4, 64, 64), torch.tensor([500.0]), torch.randn(1, 77, 768)


def write_safetensors(path, tensors, dtype):
    """Tensors one after the other at aligned offsets; returns name -> (offset in the file, bytes, shape)."""
    code, size = ("F32", 4) if dtype == np.float32 else ("F16", 2)
    header, at = {}, 0
    for name, a in tensors.items():
        header[name] = {"dtype": code, "shape": list(a.shape), "data_offsets": [at, at + a.size * size]}
        at += a.size * size
    text = json.dumps(header).encode()
    text += b" " * (-(len(text) + 8) % 4096)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for a in tensors.values():
            file.write(np.ascontiguousarray(a, dtype).tobytes())
    start = 8 + len(text)
    return {n: (start + h["data_offsets"][0], h["data_offsets"][1] - h["data_offsets"][0], h["shape"]) for n, h in header.items()}


def external(name, dtype, place, location):
    offset, length, shape = place
    t = TensorProto(name=name, data_type=dtype, dims=shape, data_location=TensorProto.EXTERNAL)
    for key, value in (("location", location), ("offset", offset), ("length", length)):
        t.external_data.add(key=key, value=str(value))
    return t


def main():
    folder = os.path.abspath(sys.argv[1])
    os.makedirs(folder, exist_ok=True)
    torch.manual_seed(0)
    torch.set_num_threads(2)
    model = Plain(UNet2DConditionModel(**CONFIG).eval())
    raw = f"{folder}/raw.onnx"
    names = ["sample", "timestep", "text"]
    with torch.no_grad():
        torch.onnx.export(model, inputs(), raw, export_params=False, do_constant_folding=False, opset_version=17,
                          input_names=names, output_names=["out"], dynamo=False)  # fmt: skip
    graph = onnx.load(raw).graph
    weights = {n: p.detach().numpy() for n, p in model.named_parameters()}
    uses = {}
    for node in graph.node:
        for i in node.input:
            uses.setdefault(i, []).append(node)
    renamed = {}
    for name in list(weights):
        if name in uses and all(n.op_type == "Transpose" for n in uses[name]):
            weights[name] = weights[name].T
            renamed |= {n.output[0]: name for n in uses[name]}
    kept = [n for n in graph.node if not (n.op_type == "Transpose" and n.output[0] in renamed)]
    for node in kept:
        for k, i in enumerate(node.input):
            if i in renamed:
                node.input[k] = renamed[i]
    used = {i for n in kept for i in n.input}
    weights = {n: a for n, a in weights.items() if n in used}
    values = [i for i in graph.input if i.name in names]
    for kind, dtype, code in (("f32", np.float32, TensorProto.FLOAT), ("f16", np.float16, TensorProto.FLOAT16)):
        file = f"{folder}/unet.{kind}.safetensors"
        places = write_safetensors(file, weights, dtype)
        constants, nodes = list(graph.initializer), list(kept)
        if kind == "f32":
            constants += [external(n, code, p, "unet.f32.safetensors") for n, p in places.items()]
        else:
            constants += [external(n + ".f16", code, p, "unet.f16.safetensors") for n, p in places.items()]
            nodes = [helper.make_node("Cast", [n + ".f16"], [n], to=TensorProto.FLOAT) for n in places] + nodes
        made = helper.make_graph(nodes, "unet", values, list(graph.output), constants)
        made = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        with open(f"{folder}/unet.{kind}.onnx", "wb") as out:
            out.write(made.SerializeToString())
    conv = sum(a.size for a in weights.values() if a.ndim == 4) * 4 / 1e9
    total = sum(a.size for a in weights.values()) * 4 / 1e9
    print(f"{len(weights)} tensors, {total:.2f} GB in f32, of it convolutions {conv:.2f} GB; {len(kept)} nodes")
    os.remove(raw)


main()
