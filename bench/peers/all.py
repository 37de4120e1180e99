"""The peers of bench/all.ts: the same work in PyTorch, OpenVINO or ONNX Runtime, as one process.

Run by the benchmark: python bench/peers/all.py WORK.json torch|compile|openvino|openvino-onnx|onnx f32|bf16 THREADS
or with `export` in the place of f32: writes what openvino and onnx read, unless it is there.
"""

import importlib.metadata
import json
import sys

file, engine, precision, threads = sys.argv[1:5]
with open(file) as text:
    work = json.load(text)
PACKAGES = {
    "torch": "torch",
    "compile": "torch",
    "openvino": "openvino",
    "openvino-onnx": "openvino",
    "onnx": "onnxruntime",
}


def decibels(wanted, came):
    """10 log10 of the sum of squares of what was wanted, over that of the difference."""
    import numpy as np

    wanted, came = np.float64(wanted).ravel(), np.float64(came).ravel()
    noise = float(((wanted - came) ** 2).sum())
    return min(199.0, 10 * float(np.log10((wanted**2).sum() / max(noise, 1e-300))))


def open_run():
    """A function that does the work once and gives its answer."""
    if work["kind"] == "train":
        import training

        return training.open_step(work, engine, precision, int(threads))
    if work["kind"] == "picture":
        import picture

        return picture.open_picture(work, engine, precision, int(threads))
    import networks

    return networks.open_network(work, engine, precision, int(threads))


def main():
    import importlib

    try:
        importlib.import_module(PACKAGES[engine])
        if precision == "export":
            import exports

            exports.write(work, engine)
            print(json.dumps({"ready": 1}), flush=True)
            return
        run = open_run()
    except (ImportError, NotImplementedError) as error:
        print(json.dumps({"absent": str(error)}), flush=True)
        return
    from worker import cost, serve

    def answer(request):
        if request["do"] == "run":
            return cost(run)
        from safetensors.numpy import load_file

        return {"decibels": decibels(load_file(work["expected"])["out"], run())}

    serve(answer, version=importlib.metadata.version(PACKAGES[engine]))


main()
