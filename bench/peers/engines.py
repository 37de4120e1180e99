"""Runs one small ONNX graph or one PyTorch function in several engines, interleaved, and keeps the times.

Every engine gets two threads. A candidate is a function without arguments; the rounds go over all candidates, so that a
neighbour on the same machine disturbs all of them alike. Import this before torch: in a process that loads torch 2.9.1
first, its SiLU runs up to 100 times slower on a Zen 5 (1.7 to 8 ms for 1.3 MB instead of 0.04).
"""

import statistics
import time

import numpy as np
import onnx
import onnxruntime
import openvino
from onnx import TensorProto, helper

THREADS = 2
NUMPY = {TensorProto.FLOAT: np.float32, TensorProto.INT64: np.int64}


class Graph:
    """An ONNX graph under construction: `g.Conv(x, w, pads=...)` adds a node and gives its output's name."""

    def __init__(self, **inputs):
        self.nodes, self.constants, self.count = [], [], 0
        self.inputs = {name: tuple(shape) for name, shape in inputs.items()}

    def name(self):
        self.count += 1
        return f"t{self.count}"

    def constant(self, value, dtype=np.int64):
        name = self.name()
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(value, dtype), name))
        return name

    def call(self, op, *args, outputs=1, domain="", **attributes):
        names = [self.name() for _ in range(outputs)]
        self.nodes.append(helper.make_node(op, list(args), names, domain=domain, **attributes))
        return names[0] if outputs == 1 else names

    def __getattr__(self, op):
        return lambda *args, **kw: self.call(op, *args, **kw)

    def reshape(self, x, *shape):
        return self.call("Reshape", x, self.constant(shape))

    def transpose(self, x, *perm):
        return self.call("Transpose", x, perm=list(perm))

    def scalar(self, value):
        return self.constant(value, np.float32)

    def alive(self, outputs):
        """The nodes that the outputs need: ONNX Runtime executes dead ones too."""
        needed, kept = set(outputs), []
        for node in reversed(self.nodes):
            if needed.intersection(node.output):
                kept.append(node)
                needed.update(node.input)
        return kept[::-1]

    def bytes(self, *outputs):
        values = [helper.make_tensor_value_info(n, TensorProto.FLOAT, s) for n, s in self.inputs.items()]
        results = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs]
        graph = helper.make_graph(self.alive(outputs), "spike", values, results, self.constants)
        opsets = [helper.make_opsetid("", 18), helper.make_opsetid("com.microsoft", 1)]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
        return onnx.shape_inference.infer_shapes(model).SerializeToString()


def ort(model, feeds, level=99):
    """A candidate on ONNX Runtime: inputs and outputs are bound once, nothing is copied per call."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel(level)
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    values = {k: onnxruntime.OrtValue.ortvalue_from_numpy(v) for k, v in feeds.items()}
    names = [o.name for o in session.get_outputs()]
    wanted = [i.name for i in session.get_inputs()]
    first = session.run(names, {k: feeds[k] for k in wanted})
    binding = session.io_binding()
    kept = [onnxruntime.OrtValue.ortvalue_from_numpy(a) for a in first]
    for name in wanted:
        binding.bind_ortvalue_input(name, values[name])
    for name, value in zip(names, kept):
        binding.bind_ortvalue_output(name, value)

    def run():
        session.run_with_iobinding(binding)
        return [v.numpy() for v in kept]

    run.keep = (session, values, binding)
    return run


def ov(model, feeds, precision):
    """A candidate on OpenVINO with weights as inputs, `precision` f32 or bf16."""
    core = openvino.Core()
    config = {
        "INFERENCE_PRECISION_HINT": precision,
        "INFERENCE_NUM_THREADS": THREADS,
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = core.compile_model(core.read_model(model), "CPU", config)
    request = compiled.create_infer_request()
    for port in compiled.inputs:
        request.set_tensor(port, openvino.Tensor(feeds[port.get_any_name()], shared_memory=True))

    def run():
        request.infer()
        return [request.get_output_tensor(i).data for i in range(len(compiled.outputs))]

    run.keep = (compiled, request)
    return run


def measure(candidates, rounds=7, burst=5, budget=0.15):
    """Minimum and median milliseconds of each candidate over interleaved rounds of short bursts."""
    times = {name: [] for name in candidates}
    for run in candidates.values():
        run()
    for _ in range(rounds):
        for name, run in candidates.items():
            run()
            spent = 0.0
            for _ in range(burst):
                start = time.perf_counter()
                run()
                took = time.perf_counter() - start
                times[name].append(took * 1e3)
                spent += took
                if spent > budget:
                    break
            time.sleep(0.02)  # idle threads of the last engine spin for a while
    return {name: (min(t), statistics.median(t)) for name, t in times.items()}
