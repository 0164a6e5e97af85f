"""Several processes that train one model, as `torchrun` starts them, but in a fraction of its time.

They are forked from one that has PyTorch loaded already. Like `torchrun` it starts all of them
again when one has ended badly. It can kill one now and then, and break what it is told to. It
prints what happened as a line of JSON.
"""

import errno
import json
import os
import random
import signal
import socket
import sys
import threading
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.support import forked
from tests.support.slow import Slow, make_slow, stop_between
from tests.support.storage import Storage, fail_storage


@dataclass
class Faults:
    """What goes wrong, by the number of a step as text, or by `sample-N` for its first sample."""

    poisoned: dict[str, float] = field(default_factory=dict)
    """The loss of these steps is multiplied."""
    nan_gradient: dict[str, int] = field(default_factory=dict)
    """One process, by its rank, has a gradient that is no number."""
    full_disk: dict[str, int] = field(default_factory=dict)
    """One process finds the disk full when it writes the checkpoint of this step."""
    hangs: dict[str, int] = field(default_factory=dict)
    """One process stops as by SIGSTOP, the first time it comes there."""
    hangs_between: dict[str, int] = field(default_factory=dict)
    """One process stops so when the checkpoint of this step is due, the first time."""
    told: dict[str, int] = field(default_factory=dict)
    """One process is told to stop by SIGTERM, the first time it comes there."""
    slow: list[Slow] = field(default_factory=list)
    """Processes that are slow for some steps; pace is then judged every four steps."""
    storages: list[Storage] = field(default_factory=list)
    """Processes that find their storage slow, or read-only."""
    storage_seconds_max: float = 30.0
    """How long a checkpoint that is due waits for the one before it."""


def with_all_that_is_parted(stage: Any, **more: Any) -> Any:
    """Return a `TrainConfig` in which everything that is parted among processes takes part."""
    return replace(stage, optimizer="muon", z_loss=1e-3, documents_apart=True, **more)


def train_together(size: int, stage: Any, shape: Any, **more: Any) -> dict[str, Any]:
    """Train on several processes and return what happened; see `planned` and `train_all`."""
    return train_all(planned(size, stage, shape, **more))[0]


def planned(
    size: int,
    stage: Any,
    shape: Any,
    *,
    corpus: Path,
    tokenizer: Path,
    out: Path,
    kills: int = 0,
    torn_bytes: int = 0,
    seed: int = 0,
    faults: Faults | None = None,
    starts_max: int = 1,
    **options: Any,
) -> dict[str, Any]:
    """Return a run to be trained on several processes.

    Args:
        size: How many processes.
        stage: A `TrainConfig`.
        shape: A `ModelConfig`.
        corpus: A corpus folder.
        tokenizer: A tokenizer folder.
        out: The run's folder.
        kills: How often a process kills itself at a random moment, all started again after it.
        torn_bytes: If given, it kills itself when it has written a random number of bytes of
            checkpoints, this one at most.
        seed: Of the moments.
        faults: What goes wrong.
        starts_max: How often the processes are started at most, beside after kills.
        options: Further options of `hunmin.train.run`.
    """
    return {
        "size": size,
        "stage": asdict(stage),
        "shape": asdict(shape),
        "folders": {"corpus": str(corpus), "tokenizer": str(tokenizer), "out": str(out)},
        "kills": kills,
        "torn_bytes": torn_bytes,
        "seed": seed,
        "faults": asdict(faults or Faults()),
        "starts_max": starts_max,
        "options": {key: str(v) if isinstance(v, Path) else v for key, v in options.items()},
    }


def train_all(*plans: dict[str, Any], timeout: float = 280) -> list[dict[str, Any]]:
    """Train one planned run after the other.

    Returns:
        Of each run `kills`, `starts`, and `ends`: the exit codes of the last processes by rank;
        and `said`, what the processes of all wrote to stderr.
    """
    told, said = forked.call(_train_each, plans, timeout=timeout)
    return [{**one, "said": said} for one in json.loads(told.splitlines()[-1])]


def run_program(path: Path, size: int) -> str:
    """Run a program that starts so many processes; return what they print."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    return forked.call(forked.run_file, path, str(size), port)[0]


def _be_one(what: dict[str, Any], rank: int, port: int) -> None:
    """Be one process."""
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(what["size"]),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }
    import torch

    from hunmin import model, train

    torch.set_num_threads(1)
    _break(what, rank)
    faults = what["faults"]
    stop_between(faults["hangs_between"], rank, Path(what["folders"]["out"]))
    make_slow(faults["slow"], rank)
    torn = what["torn"] is not None and what["torn"][1] == rank
    fail_storage(faults["storages"], rank, dies_after=what["torn"][0] if torn else None)
    stage = dict(what["stage"])
    stage["betas"] = tuple(stage["betas"])
    folders = {name: Path(folder) for name, folder in what["folders"].items()}
    options = dict(what["options"])
    if "base" in options:
        options["base"] = Path(options["base"])
    train.run(
        train.TrainConfig(**stage),
        model.ModelConfig(**what["shape"]),
        compile_wanted=False,
        **folders,
        **options,
    )


def _break(what: dict[str, Any], rank: int) -> None:
    """Let go wrong what shall go wrong in this process."""
    from torch.distributed import checkpoint as dcp

    from hunmin.train import device, keeper, loop, stepping
    from hunmin.train.stepping import Stepper

    device._cpu_has_bfloat16 = lambda: False  # sums of float32 can be compared
    loop._LOG_EVERY_STEPS = 1
    keeper._STORAGE_SECONDS_MAX = what["faults"]["storage_seconds_max"]
    faults, out = Faults(**what["faults"]), Path(what["folders"]["out"])
    step_on, add_up = Stepper.step, Stepper._sum_of_losses
    measure, write = stepping.squared_norm, dcp.FileSystemWriter.write_data
    now: set[str] = set()

    def step(self: Any, number: int, sequences: Any, rows: Any, *data: Any, **more: Any) -> Any:
        now.update({str(number), f"sample-{rows[0]}"})
        if what["death"] is not None and number >= what["death"][0] and rank == what["death"][1]:
            death = threading.Timer(what["death"][2], os.kill, (os.getpid(), signal.SIGKILL))
            death.daemon = True
            death.start()
        for kind, signal_number in ((faults.hangs, signal.SIGSTOP), (faults.told, signal.SIGTERM)):
            mark = out / f".{signal_number.name}-{number}"
            if kind.get(str(number)) == rank and not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal_number)
        outcome = step_on(self, number, sequences, rows, *data, **more)
        now.clear()
        return outcome

    def losses(self: Any, batch: Any, **more: Any) -> Any:
        loss, penalty = add_up(self, batch, **more)
        times = [faults.poisoned[one] for one in now & faults.poisoned.keys()]
        return loss * (times or [1.0])[0], penalty

    def squared_norm(gradients: Any) -> float:
        if rank in [faults.nan_gradient[one] for one in now & faults.nan_gradient.keys()]:
            gradients[0].fill_(float("nan"))
        return measure(gradients)

    def write_data(self: Any, plan: Any, planner: Any) -> Any:
        step = Path(self.path).parent.name.removeprefix(".step-").removesuffix(".partial")
        if faults.full_disk.get(str(int(step))) == rank:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(self, plan, planner)

    Stepper.step, Stepper._sum_of_losses = step, losses
    stepping.squared_norm = squared_norm
    dcp.FileSystemWriter.write_data = write_data


def _start(what: dict[str, Any]) -> list[int]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    started = []
    for rank in range(what["size"]):
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                _be_one(what, rank, port)
                code = 0
            except BaseException as error:  # noqa: BLE001 (the process ends here in any case)
                code = 130 if isinstance(error, KeyboardInterrupt) else 1
                sys.stderr.write(f"process {rank}: {type(error).__name__}: {error}\n")
            finally:
                sys.stderr.flush()
                os._exit(code)
        started.append(pid)
    return started


def _until_they_end(pids: list[int]) -> list[int]:
    """Wait until all have ended, killing the others when one ends badly; return exit codes.

    Of those it has killed itself the code is that of the one that ended badly.
    """
    codes: dict[int, int] = {}
    bad: int | None = None
    while len(codes) < len(pids):
        pid, status = os.waitpid(-1, 0)
        codes[pid] = os.waitstatus_to_exitcode(status) if bad is None else bad
        if bad is None and codes[pid] not in {0, 75, 130}:
            bad = codes[pid]
            for other in pids:
                if other not in codes:
                    os.kill(other, signal.SIGKILL)
    return [codes[pid] for pid in pids]


def _train_each(plans: tuple[dict[str, Any], ...]) -> None:
    print(json.dumps([_train(what) for what in plans]))  # noqa: T201


def _train(what: dict[str, Any]) -> dict[str, Any]:
    """Train one planned run."""
    chance = random.Random(what["seed"])
    last = what["stage"]["steps"] - 2
    deaths = sorted(
        (chance.randrange(1, last), chance.randrange(what["size"]), chance.uniform(0.0, 0.05))
        for _ in range(0 if what["torn_bytes"] else what["kills"])
    )
    torn = [
        (chance.randrange(1, what["torn_bytes"]), chance.randrange(what["size"]))
        for _ in range(what["kills"] if what["torn_bytes"] else 0)
    ]
    kills = starts = bad_starts = 0
    while True:
        starts += 1
        what["death"] = deaths[kills] if kills < len(deaths) else None
        what["torn"] = torn[kills] if kills < len(torn) else None
        ends = _until_they_end(_start(what))
        if not any(ends):
            break
        if (what["death"] or what["torn"]) and set(ends) == {-signal.SIGKILL}:
            kills += 1
            continue
        bad_starts += 1
        if bad_starts >= what["starts_max"]:
            break
    return {"kills": kills, "starts": starts, "ends": ends}
