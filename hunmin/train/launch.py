"""The lines that start a run on several processes: with `torchrun`, or as a Slurm job.

Pure: words in, words out. What is started is the very `hunmin train` that was asked for, and each
line restarts it when a process is lost; it goes on from the last checkpoint.
"""

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass

RESTARTS_MAX = 3
"""How often `torchrun` starts the processes again before it gives up."""

PORT = 29500
"""Where the machines of a job meet."""

_SIGNAL_SECONDS = 240
"""How long before its end Slurm tells a job to save and leave."""

_SAVING_SECONDS = 200
"""How long `torchrun` lets its processes do so; 30 by itself."""


@dataclass(frozen=True, slots=True)
class Layout:
    """On how many machines a run is started, with how many processes each."""

    nodes: int
    processes_per_node: int
    """One for each GPU."""


def torchrun_line(train: Sequence[str], layout: Layout) -> str:
    """Return the line that starts a run; on several machines it is given on each.

    Args:
        train: The words behind `hunmin train`.
        layout: Machines and processes.
    """
    if layout.nodes == 1:
        meeting = ["--standalone", "--nnodes", "1"]
    else:
        meeting = [
            *("--nnodes", str(layout.nodes)),
            *("--rdzv-backend", "c10d"),
            *("--rdzv-id", "hunmin"),
            *("--rdzv-endpoint", f"FIRST-MACHINE:{PORT}"),
        ]
    return shlex.join(_words(train, layout, meeting))


def slurm_script(train: Sequence[str], layout: Layout, *, name: str) -> str:
    """Return a script for `sbatch`.

    Args:
        train: The words behind `hunmin train`.
        layout: Machines and processes.
        name: The name of the job.
    """
    meeting = [
        *("--nnodes", str(layout.nodes)),
        *("--rdzv-backend", "c10d"),
        *("--rdzv-id", "$SLURM_JOB_ID"),
        *("--rdzv-endpoint", f"$first:{PORT}"),
    ]
    words = _words(train, layout, meeting)
    line = " ".join(f'"{word}"' if word.startswith("$") else shlex.quote(word) for word in words)
    return f"""#!/bin/bash
#SBATCH --job-name={name}
#SBATCH --nodes={layout.nodes}
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node={layout.processes_per_node}
#SBATCH --exclusive
#SBATCH --mem=0
#SBATCH --signal=B:TERM@{_SIGNAL_SECONDS}
#SBATCH --requeue
#SBATCH --open-mode=append
first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
srun --kill-on-bad-exit=1 {line} &
run=$!
# Before its time is over the job saves, and is put into the queue again.
trap 'kill -TERM $run; wait $run; scontrol requeue "$SLURM_JOB_ID"; exit 0' TERM
wait $run
"""


def _words(train: Sequence[str], layout: Layout, meeting: Sequence[str]) -> list[str]:
    return [
        *("env", f"TORCH_ELASTIC_SHUTDOWN_TIMEOUT={_SAVING_SECONDS}"),
        *(sys.executable, "-m", "torch.distributed.run"),
        *meeting,
        *("--nproc-per-node", str(layout.processes_per_node)),
        *("--max-restarts", str(RESTARTS_MAX)),
        *("-m", "hunmin", "train"),
        *train,
    ]
