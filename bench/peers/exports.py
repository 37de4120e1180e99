"""Writes a network for other engines: OpenVINO's IR by its own converter, or a plain ONNX export. The batch stays open."""

import os

from networks import inputs_of, plain

FILES = {"openvino": "network.xml", "onnx": "network.onnx"}


def path_of(work, engine):
    """The file that an engine reads; OpenVINO reads what ONNX Runtime does, too, and may run it otherwise than its own."""
    kind = "onnx" if engine.endswith("onnx") else engine
    return os.path.join(f"{work['exported']}-{kind}", FILES[kind])


def write(work, engine):
    if work["kind"] not in ("text", "unet", "vae") or engine in ("torch", "compile"):
        return
    path = path_of(work, engine)
    if os.path.exists(path):
        return
    os.makedirs(os.path.dirname(path), exist_ok=True)
    import torch

    module = plain(work)
    inputs = {name: torch.from_numpy(array) for name, array in inputs_of(work).items()}
    with torch.no_grad():
        (write_ir if engine == "openvino" else write_onnx)(module, inputs, path)


def write_ir(module, inputs, path):
    import openvino

    shapes = [(name, [-1, *tensor.shape[1:]]) for name, tensor in inputs.items()]
    model = openvino.convert_model(module, example_input=tuple(inputs.values()), input=[shape for _, shape in shapes])
    for port, (name, _) in zip(model.inputs, shapes):
        port.get_tensor().set_names({name})
    # Weights are kept in half precision, as the converter's command does by default.
    openvino.save_model(model, path, compress_to_fp16=True)


def write_onnx(module, inputs, path):
    import torch

    names = list(inputs)
    axes = {name: {0: "rows"} for name in [*names, "out"]}
    torch.onnx.export(module, tuple(inputs.values()), path, opset_version=17, input_names=names, output_names=["out"],
                      dynamic_axes=axes, dynamo=False)  # fmt: skip
