"""How a peer talks to its benchmark: a line of JSON in, the work, a line of JSON out."""

import json
import sys
import time


def cost(work):
    """Milliseconds of a call: on the clock, and of all threads together."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    return {"wall": (time.perf_counter() - wall) * 1e3, "cpu": (time.process_time() - cpu) * 1e3}


def serve(answer, **facts):
    """Says that it is ready, and what else is known, then answers requests until its input ends."""
    print(json.dumps({"ready": 1, **facts}), flush=True)
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), flush=True)
