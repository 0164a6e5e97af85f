"""Several replicas that meet, each of processes that are started and lost together.

All are forked from one process that has PyTorch loaded already, the meeting too. It starts a
replica again when it was killed, and wakes one that was stopped, as soon as the others are some
steps further. It prints what happened as a line of JSON.
"""

import json
import math
import os
import signal
import socket
import sys
import time
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from tests.support import forked, worlds

STEPS_AHEAD = 3
"""How much further the others are when one comes back."""

_STEP_SECONDS = 0.05


@dataclass
class Fall:
    """One replica is killed or stopped, by its last process, the first time it comes somewhere."""

    replica: int | None
    """Which; None for whoever comes there."""
    step: int
    """The number of the step, from 0; of a checkpoint, the steps done."""
    at: str = "step"
    """`step`: when it begins; `exchange`: when it has added up half; `checkpoint`: while it is
    written; `handover`: when it gives or takes the state; `end`: when it writes the model."""
    signal: str = "SIGKILL"
    is_again: bool = False
    """Whether it falls when it has come back, not before."""


def meeting(
    count: int,
    what: dict[str, Any],
    *falls: Fall,
    patience_seconds: float = 8.0,
    silent_seconds: float = 4.0,
    meeting_gone: tuple[int, int] | None = None,
) -> dict[str, Any]:
    """Return a run to be trained on several replicas.

    Args:
        count: How many.
        what: The plan of one of them, as `worlds.planned` gives it.
        falls: What happens to them.
        patience_seconds: How long they wait for one that hangs.
        silent_seconds: After how long of silence one is taken for lost.
        meeting_gone: The meeting is killed and comes back when the log has these steps.
    """
    return {
        **what,
        "count": count,
        "falls": [asdict(fall) for fall in falls],
        "patience_seconds": patience_seconds,
        "silent_seconds": silent_seconds,
        "meeting_gone": meeting_gone,
        "death": None,
        "torn": None,
    }


def train_replicas(*plans: dict[str, Any], timeout: float = 250) -> list[dict[str, Any]]:
    """Train planned runs side by side: most of their time goes in waiting.

    Returns:
        Of each run `ends`, the exit codes of the processes of each replica; `starts` of each;
        `states`, a hash of what each process held at the end; and `said`, all of stderr.
    """
    told, said = forked.call(_train_each, plans, timeout=timeout)
    return [{**one, "said": said} for one in json.loads(told.splitlines()[-1])]


def _be_one(what: dict[str, Any], rank: int, port: int, *, replica: int, start: int) -> None:
    """Be one process of a replica."""
    from hunmin.train.learner import local_parts
    from hunmin.train.replica_loop import ReplicaLoop, checkpoints

    falls = [Fall(**one) for one in what["falls"] if one["replica"] in {None, replica}]
    if rank == what["size"] - 1:
        _fall([fall for fall in falls if fall.is_again == (start == 1)] if start < 2 else [])
    _sleep_each_step()
    go = ReplicaLoop.go

    def go_and_tell(self: Any, *more: Any) -> Any:
        done = go(self, *more)
        if self._is_over:  # it came when all was done, and holds nothing
            return done
        parts = local_parts(checkpoints.state_tensors(self.learner, self.optimizers).values())
        told = sha256(b"".join(part.contiguous().numpy().tobytes() for part in parts))
        (self.plan.folder / f".state-{replica}-{rank}").write_text(told.hexdigest())
        return done

    ReplicaLoop.go = go_and_tell
    worlds._be_one(what, rank, port)


def _fall(falls: list[Fall]) -> None:
    """Let this process fall where it shall."""
    from torch.distributed import checkpoint as dcp

    from hunmin.train.exchange import Exchange
    from hunmin.train.stepping import Stepper
    from hunmin.train.writing import CheckpointWriter

    step_on, add_up, give = Stepper.step, Exchange.add_up, Exchange.give
    write, write_model = dcp.FileSystemWriter.write_data, CheckpointWriter._write_model
    now = -1

    def come(at: str, step: int) -> None:
        for fall in falls:
            if fall.at == at and fall.step == step:
                falls.remove(fall)
                os.kill(os.getpid(), signal.Signals[fall.signal])

    def step(self: Any, number: int, *data: Any, **more: Any) -> Any:
        nonlocal now
        now = number
        come("step", number)
        return step_on(self, number, *data, **more)

    def add(self: Any, parts: Any, **more: Any) -> None:
        if len(parts) > 1:  # the gradients; numbers come before
            come("exchange", now)
        add_up(self, parts, **more)

    def hand(self: Any, *data: Any, **more: Any) -> None:
        come("handover", -1)
        give(self, *data, **more)

    def write_data(self: Any, *data: Any) -> Any:
        name = Path(self.path).parent.name
        come("checkpoint", int(name.removeprefix(".step-").removesuffix(".partial")))
        return write(self, *data)

    def write_end(self: Any, *data: Any) -> None:
        write_model(self, *data)
        come("end", -1)

    Stepper.step, Exchange.add_up, Exchange.give = step, add, hand
    dcp.FileSystemWriter.write_data, CheckpointWriter._write_model = write_data, write_end


def _sleep_each_step() -> None:
    from hunmin.train.stepping import Stepper

    step_on = Stepper.step

    def step(self: Any, *data: Any, **more: Any) -> Any:
        time.sleep(_STEP_SECONDS)  # for one to come back before the run is over
        return step_on(self, *data, **more)

    Stepper.step = step


class _Meeting:
    """The meeting's process."""

    def __init__(self, what: dict[str, Any]) -> None:
        self.what = what
        self.port = 0
        self.start()

    def start(self) -> None:
        reading, writing = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self._keep(writing)
        os.close(writing)
        with os.fdopen(reading) as told:
            self.port = int(told.readline())

    def _keep(self, writing: int) -> None:
        from hunmin.train import roster
        from hunmin.train.meeting import Meeting
        from hunmin.train.stopping import Stop

        roster.SILENT_SECONDS_MAX = self.what["silent_seconds"]
        patience_seconds = self.what["patience_seconds"]
        count = self.what["count"]
        meeting = Meeting(self.port, replicas=count, patience_seconds=patience_seconds)
        os.write(writing, f"{meeting.port}\n".encode())
        meeting.keep(lambda said: print(said, file=sys.stderr, flush=True), Stop())  # noqa: T201

    def end(self) -> None:
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


class _Replica:
    """The processes of one replica."""

    def __init__(self, what: dict[str, Any], number: int) -> None:
        self.what, self.number = what, number
        self.starts = 0
        self.start()

    def start(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.pids = [self._fork(rank, port) for rank in range(self.what["size"])]
        self.codes: dict[int, int] = {}
        self.fell_at: float | None = None
        self.starts += 1

    def _fork(self, rank: int, port: int) -> int:
        pid = os.fork()
        if pid:
            return pid
        code = 1
        try:
            _be_one(self.what, rank, port, replica=self.number, start=self.starts)
            code = 0
        except BaseException as error:  # noqa: BLE001 (the process ends here in any case)
            code = 130 if isinstance(error, KeyboardInterrupt) else 1
            said = f"{type(error).__name__}: {error}"
            print(f"replica {self.number}: {said}", file=sys.stderr, flush=True)  # noqa: T201
        finally:
            os._exit(code)

    def look(self, step: float) -> bool:
        """See how it does and help it up; whether it goes on."""
        self._see_who_fell(step)
        is_up = len(self.codes) < len(self.pids)
        if self.fell_at is not None and step >= self.fell_at + STEPS_AHEAD:
            self.fell_at = None
            if is_up:
                for pid in self.pids:
                    os.kill(pid, signal.SIGCONT)
            else:
                self.start()
            return True
        return is_up or self.fell_at is not None

    def _see_who_fell(self, step: float) -> None:
        for pid in self.pids:
            if pid in self.codes:
                continue
            found, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
            if found and os.WIFSTOPPED(status):
                self.fell_at = step
            elif found:
                self.codes[pid] = os.waitstatus_to_exitcode(status)
                if self.codes[pid] == -signal.SIGKILL:
                    self.fell_at = step
                    for other in self.pids:
                        if other not in self.codes:
                            os.kill(other, signal.SIGKILL)

    @property
    def ends(self) -> list[int]:
        return [self.codes[pid] for pid in self.pids]


def _last_step(log: Path) -> float:
    """Return the last step that was logged; of a run that is over one behind all others."""
    try:
        lines = [json.loads(line) for line in log.read_text().splitlines()]
    except (OSError, ValueError):
        return 0
    if any(line.get("event") == "finished" for line in lines):
        return math.inf
    return max((line["step"] for line in lines if "loss" in line), default=0)


class _Run:
    """One run: its meeting and its replicas."""

    def __init__(self, what: dict[str, Any]) -> None:
        self.what = what
        self.out = Path(what["folders"]["out"])
        self.meeting = _Meeting(what)
        what["options"]["meeting"] = f"127.0.0.1:{self.meeting.port}"
        self.replicas = [_Replica(what, number) for number in range(what["count"])]
        self.meeting_goes: list[int] = [*(what["meeting_gone"] or ())]
        self.goes_on = True

    def look(self) -> None:
        """See how all do; end the meeting with the last of them."""
        step = _last_step(self.out / "loss.jsonl")
        if self.meeting_goes and step >= self.meeting_goes[0]:
            self.meeting_goes.pop(0)
            if self.meeting_goes:
                self.meeting.end()
            else:
                self.meeting.start()
        self.goes_on = any([replica.look(step) for replica in self.replicas])  # noqa: C419 (all)
        if not self.goes_on:
            self.meeting.end()

    def told(self) -> dict[str, Any]:
        return {
            "ends": [one.ends for one in self.replicas],
            "starts": [one.starts for one in self.replicas],
            "states": sorted(file.read_text() for file in self.out.glob(".state-*")),
        }


def _train_each(plans: tuple[dict[str, Any], ...]) -> None:
    runs = [_Run(what) for what in plans]
    while any(run.goes_on for run in runs):
        for run in runs:
            if run.goes_on:
                run.look()
        time.sleep(0.05)
    print(json.dumps([run.told() for run in runs]))  # noqa: T201
