"""OpenVINO takes the compiled model that limn keeps: seconds until it can run, of its first step, and of the processor.

Run: python bench/peers/second_start.py FOLDER THREADS, where FOLDER holds model.onnx and its blob
"""

import json
import resource
import sys
import time

import numpy as np

folder, threads = sys.argv[1], int(sys.argv[2])


def cpu():
    return sum(resource.getrusage(resource.RUSAGE_SELF)[:2])


begun, spent = time.perf_counter(), cpu()
import openvino

settings = {
    "PERFORMANCE_HINT": "LATENCY",
    "INFERENCE_PRECISION_HINT": "bf16",
    "INFERENCE_NUM_THREADS": threads,
    "CACHE_DIR": folder,
}
model = openvino.Core().compile_model(f"{folder}/model.onnx", "CPU", settings)
assert model.get_property("LOADED_FROM_CACHE"), "OpenVINO compiled the model anew"
start = time.perf_counter() - begun
inputs = {port: np.full(port.shape, 0.5, np.float32) for port in model.inputs}
at = time.perf_counter()
model.create_infer_request().infer(inputs)
print(json.dumps({"start": start, "first": time.perf_counter() - at, "cpu": cpu() - spent}))
