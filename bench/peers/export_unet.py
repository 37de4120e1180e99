"""The SD 1.5 UNet with random weights as ONNX; the initialisers point into `unet.f32.safetensors` or `unet.f16.safetensors`.

`unet.KIND.onnx` has attention written out, `mha.KIND.onnx` has it as ONNX Runtime's MultiHeadAttention. Linear weights are
stored transposed, as the exported MatMuls want them, so that an engine has nothing to fold.
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

NAMES = ["sample", "timestep", "text"]


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


def fused_attention(g, q, k, v, mask, dropout, causal, scale=None, gqa=None):
    """[B,H,S,D] queries become [B,S,H*D]; keys and values stay as they are."""
    q = g.op("Transpose", q, perm_i=[0, 2, 1, 3])
    q = g.op("Reshape", q, g.op("Constant", value_t=torch.tensor([0, 0, -1])))
    y = g.op("com.microsoft::MultiHeadAttention", q, k, v, num_heads_i=CONFIG["attention_head_dim"])
    y = g.op("Reshape", y, g.op("Constant", value_t=torch.tensor([0, 0, CONFIG["attention_head_dim"], -1])))
    return g.op("Transpose", y, perm_i=[0, 2, 1, 3])


def export(model, file):
    with torch.no_grad():
        torch.onnx.export(model, inputs(), file, export_params=False, do_constant_folding=False, opset_version=17,
                          input_names=NAMES, output_names=["out"], dynamo=False)  # fmt: skip
    graph = onnx.load(file).graph
    os.remove(file)
    return graph


def use_transposed(graph, weights):
    """Nodes that read the weights as stored, and the names of the weights that are to be stored transposed."""
    uses = {}
    for node in graph.node:
        for i in node.input:
            uses.setdefault(i, []).append(node)
    flipped = {n for n in weights if n in uses and all(u.op_type == "Transpose" for u in uses[n])}
    renamed = {u.output[0]: n for n in flipped for u in uses[n]}
    # The exporter makes one of parameters that are equal so far (Identity): each keeps its own here.
    kept = [n for n in graph.node if n.output[0] not in renamed and n.output[0] not in weights]
    for node in kept:
        for k, i in enumerate(node.input):
            node.input[k] = renamed.get(i, i)
    return kept, flipped


def write_model(path, graph, nodes, places, kind):
    constants, location = list(graph.initializer), f"unet.{kind}.safetensors"
    if kind == "f32":
        constants += [external(n, TensorProto.FLOAT, p, location) for n, p in places.items()]
    else:
        constants += [external(n + ".f16", TensorProto.FLOAT16, p, location) for n, p in places.items()]
        nodes = [helper.make_node("Cast", [n + ".f16"], [n], to=TensorProto.FLOAT) for n in places] + nodes
    values = [i for i in graph.input if i.name in NAMES]
    made = helper.make_graph(nodes, "unet", values, list(graph.output), constants)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.microsoft", 1)]
    with open(path, "wb") as out:
        out.write(helper.make_model(made, opset_imports=opsets, ir_version=8).SerializeToString())


def main():
    folder = os.path.abspath(sys.argv[1])
    os.makedirs(folder, exist_ok=True)
    torch.manual_seed(0)
    torch.set_num_threads(2)
    model = Plain(UNet2DConditionModel(**CONFIG).eval())
    weights = {n: p.detach().numpy() for n, p in model.named_parameters()}
    graphs = {"unet": export(model, f"{folder}/raw.onnx")}
    torch.onnx.register_custom_op_symbolic("aten::scaled_dot_product_attention", fused_attention, 17)
    graphs["mha"] = export(model, f"{folder}/raw.onnx")
    nodes = {name: use_transposed(graph, weights) for name, graph in graphs.items()}
    assert nodes["unet"][1] == nodes["mha"][1]
    stored = {n: a.T if n in nodes["unet"][1] else a for n, a in weights.items()}
    for kind, dtype in (("f32", np.float32), ("f16", np.float16)):
        places = write_safetensors(f"{folder}/unet.{kind}.safetensors", stored, dtype)
        for name, graph in graphs.items():
            write_model(f"{folder}/{name}.{kind}.onnx", graph, nodes[name][0], places, kind)
    conv = sum(a.size for a in weights.values() if a.ndim == 4) * 4 / 1e9
    total = sum(a.size for a in weights.values()) * 4 / 1e9
    print(f"{len(weights)} tensors, {total:.2f} GB in f32, of it convolutions {conv:.2f} GB")


main()
