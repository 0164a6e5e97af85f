"""What looking for stragglers takes of a step.

    python benchmarks/straggler_cost.py [--steps 20]

A model of 10 million parameters, parted by `fully_shard` as among several processes but on one,
goes forward and backward; what is spent in `hunmin.train.phases` is measured inside of it, so that
the share holds on a busy machine too. The small exchange every 16 steps is not in it.
One JSON line is printed and appended to `benchmarks/results/straggler_cost.jsonl`.
"""

import argparse
import json
import os
import socket
import statistics
import time
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any

from train_systems import LAPTOP

RESULTS = Path(__file__).parent / "results" / "straggler_cost.jsonl"
METHODS = (
    "enter",
    "end_step",
    "_before_gathering",
    "_behind_gathering",
    "_before_shard_hook",
    "_behind_shard_hook",
    "_before_the_end",
    "_wait",
    "_go_on",
)


def measure(*, steps: int) -> dict[str, object]:
    """Go forward and backward, and return medians."""
    import torch
    import torch.distributed as dist
    from torch.distributed.device_mesh import init_device_mesh

    from hunmin.model import ModelConfig
    from hunmin.train.device import Device
    from hunmin.train.learner import build_learner, initialize
    from hunmin.train.phases import PhaseClock
    from hunmin.train.world import World

    spent, depth = [0.0], [0]

    def timed(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def call(*data: object, **more: object) -> Any:  # noqa: ANN401
            began, depth[0] = time.perf_counter(), depth[0] + 1
            try:
                return method(*data, **more)
            finally:
                depth[0] -= 1
                spent[0] += 0.0 if depth[0] else time.perf_counter() - began

        return call

    for name in METHODS:
        setattr(PhaseClock, name, timed(getattr(PhaseClock, name)))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=0, world_size=1)
    world = World(mesh=init_device_mesh("cpu", (1,), mesh_dim_names=("shards",)))
    device = Device(torch.device("cpu"), bfloat16=False, compiled=False)
    learner = build_learner(ModelConfig(vocab_size=8192, **LAPTOP), device, world)
    initialize(learner, 1)
    clock = PhaseClock(device.device)
    clock.attach(learner)
    ids = torch.arange(2 * 512).reshape(2, 512) % 8192
    shares, seconds = [], []
    for _ in range(steps):
        spent[0], began = 0.0, time.perf_counter()
        clock.enter("forward")
        loss, _ = learner(ids, ids, None)
        clock.enter("backward")
        loss.backward()
        clock.end_step(sequences=2)
        seconds.append(time.perf_counter() - began)
        shares.append(spent[0] / seconds[-1])
    dist.destroy_process_group()
    return {
        "layers": LAPTOP["layers"],
        "step_seconds": round(statistics.median(seconds), 4),
        "spent_seconds": round(statistics.median(shares) * statistics.median(seconds), 6),
        "share_of_a_step": round(statistics.median(shares), 6),
    }


def main() -> None:
    """Measure and write down."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=20)
    result = measure(steps=parser.parse_args().steps)
    line = json.dumps({"at": time.strftime("%Y-%m-%d"), "cores": os.cpu_count(), **result})
    print(line)
    with RESULTS.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")


if __name__ == "__main__":
    main()
