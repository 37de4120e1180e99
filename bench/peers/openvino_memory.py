"""Does OpenVINO map an SD 1.5 UNet's weights without copying, how large is its compiled blob, how fast is it imported?

The model is read from memory; its initialisers name the .safetensors file by an absolute path. One process per row.
OpenVINO 2026.4.1 refuses such a path unless it lies below the working directory: every row first changes to FOLDER.
Run: python bench/peers/export_unet.py FOLDER, then python bench/peers/openvino_memory.py FOLDER
"""

import json
import os
import re
import shutil
import subprocess
import sys
import time

import numpy as np
import onnx
import openvino


def memory():
    """Anonymous and file-backed resident megabytes of this process, and its peak."""
    text = open("/proc/self/smaps_rollup").read()
    of = lambda key: int(re.search(rf"^{key}: +(\d+)", text, re.M).group(1)) / 1024
    peak = int(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read()).group(1)) / 1024
    return {"private": round(of("Anonymous")), "mapped": round(of("Rss") - of("Anonymous")), "peak": round(peak)}


def absolute(folder, kind):
    model = onnx.load(f"{folder}/unet.{kind}.onnx", load_external_data=False)
    for t in model.graph.initializer:
        for entry in t.external_data:
            if entry.key == "location":
                entry.value = os.path.join(folder, entry.value)
    return model.SerializeToString()


def row(folder, kind, precision, cache, runs):
    os.chdir(folder)
    out = {}
    model_bytes = absolute(folder, kind)
    base = memory()
    core = openvino.Core()
    config = {"INFERENCE_PRECISION_HINT": precision, "INFERENCE_NUM_THREADS": 2, "PERFORMANCE_HINT": "LATENCY"}
    if cache:
        config |= {"CACHE_DIR": f"{folder}/ov-cache", "CACHE_MODE": cache}
    start = time.perf_counter()
    model = core.read_model(model_bytes)
    model.reshape({"sample": [1, 4, 64, 64], "timestep": [1], "text": [1, 77, 768]})
    out["read_s"], out["read"] = round(time.perf_counter() - start, 2), memory()
    start = time.perf_counter()
    compiled = core.compile_model(model, "CPU", config)
    del model
    out["compile_s"], out["compiled"] = round(time.perf_counter() - start, 2), memory()
    if cache:
        out["blob_MB"] = round(sum(e.stat().st_size for e in os.scandir(f"{folder}/ov-cache")) / 1e6)
        out["from_cache"] = compiled.get_property("LOADED_FROM_CACHE")
    feed = {"sample": (1, 4, 64, 64), "timestep": (1,), "text": (1, 77, 768)}
    feed = {n: np.full(s, 0.5, np.float32) for n, s in feed.items()}
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        compiled(feed)
        times.append(time.perf_counter() - start)
    if times:
        out["run_s"], out["ran"] = round(min(times), 2), memory()
    show = lambda m: f"{m['private'] - base['private']:5d} private {m['mapped']:5d} mapped"
    print(f"{kind} {precision:4s} cache {cache or 'none':14s} read {out['read_s']:5.2f} s ({show(out['read'])}); "
          f"compile {out['compile_s']:6.2f} s ({show(out['compiled'])}), peak {out['compiled']['peak']}"
          + (f"; blob {out['blob_MB']} MB, from cache {out['from_cache']}" if cache else "")
          + (f"; run {out['run_s']} s ({show(out['ran'])})" if times else ""), flush=True)  # fmt: skip


def main():
    folder = os.path.abspath(sys.argv[1])
    if len(sys.argv) > 2:
        return row(folder, *json.loads(sys.argv[2]))
    print(f"OpenVINO {openvino.__version__}, SD 1.5 UNet, 64x64 latents, 2 threads; MB resident")
    for kind, precision, caches, runs in (
        ("f16", "bf16", (None,), 2),
        ("f16", "f32", (None,), 2),
        ("f32", "f32", (None,), 2),
        ("f32", "bf16", (None,), 2),
        ("f16", "bf16", ("OPTIMIZE_SPEED", "OPTIMIZE_SPEED"), 1),
        ("f16", "bf16", ("OPTIMIZE_SIZE", "OPTIMIZE_SIZE"), 1),
    ):
        shutil.rmtree(f"{folder}/ov-cache", ignore_errors=True)
        for cache in caches:
            command = [sys.executable, os.path.abspath(__file__), folder, json.dumps([kind, precision, cache, runs])]
            subprocess.run(command, check=False)
    shutil.rmtree(f"{folder}/ov-cache", ignore_errors=True)


if __name__ == "__main__":
    main()
