"""Sums ONNX Runtime's own profile of a model, the least time of each node, by kind of op and by shape of output.

Run by bench/profile.ts: python bench/peers/op_times.py MODEL.onnx THREADS
"""

import collections
import json
import os
import sys

import numpy as np
import onnxruntime

path, threads = sys.argv[1], int(sys.argv[2])
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = threads
options.enable_profiling = True
options.profile_file_prefix = path
session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
random = np.random.default_rng(0)


def filled(spec):
    if spec.type == "tensor(int64)":
        return np.zeros(spec.shape, np.int64)
    return np.asarray(random.uniform(0.1, 1, spec.shape), np.float32)


feeds = {spec.name: filled(spec) for spec in session.get_inputs()}
runs = 6
for _ in range(runs):
    session.run(None, feeds)
profile = session.end_profiling()
with open(profile) as file:
    events = [e for e in json.load(file) if e.get("cat") == "Node" and e["name"].endswith("_kernel_time")]
os.remove(profile)
by_op, by_shape, counts = collections.Counter(), collections.Counter(), collections.Counter()
per_run = len(events) // runs
for calls in zip(*(events[r * per_run : (r + 1) * per_run] for r in range(1, runs))):  # the first run is warm-up
    op, time = calls[0]["args"]["op_name"], min(e["dur"] for e in calls) / 1e3
    assert all(e["name"] == calls[0]["name"] for e in calls), "nodes ran in another order"
    shapes = calls[0]["args"].get("output_type_shape", [])
    by_op[op] += time
    counts[op] += 1
    by_shape[op, str(list(shapes[0].values())[0] if shapes else "")] += time
total = sum(by_op.values())
print(f"{total:.1f} ms in {per_run} nodes, {threads} threads")
for op, time in by_op.most_common(16):
    print(f"{time:8.1f} ms {100 * time / total:5.1f} %  {counts[op]:5.0f} × {op}")
print()
for (op, shape), time in by_shape.most_common(16):
    print(f"{time:8.1f} ms  {op} → {shape}")
