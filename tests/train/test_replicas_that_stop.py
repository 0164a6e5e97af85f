"""Replicas that are told to stop while others are lost and come. Here each is a thread."""

import threading
import time
from contextlib import contextmanager

import pytest

from hunmin import train
from hunmin.manifest import Manifest
from hunmin.train import loop
from hunmin.train.losses import LossLog
from hunmin.train.meeting import Meeting
from hunmin.train.replica_loop import ReplicaLoop
from hunmin.train.stopping import Stop

SECONDS_MAX = 60.0
"""How long a replica may take that never ends."""


class Lost(Exception):
    """Stands for what ends a replica out of turn."""


class Replica(threading.Thread):
    """A replica of one process; `ended` is what it returned or died of."""

    def __init__(self, *, told, **run):
        super().__init__(daemon=True)
        self.stop_wish = Stop()
        self.stop_wish.wanted = told
        self._train = run
        self.ended = None
        self.start()

    def run(self):
        try:
            self.ended = train.run(**self._train)
        except BaseException as error:  # noqa: BLE001 (the test looks at it)
            self.ended = error


@pytest.fixture
def meeting():
    """Give where two replicas meet."""
    held, stop = Meeting(0, replicas=2, patience_seconds=2.0), Stop()
    keeping = threading.Thread(target=held.keep, args=(lambda _: None, stop))
    keeping.start()
    yield f"127.0.0.1:{held.port}"
    stop.wanted = True
    keeping.join()


@pytest.fixture
def begin(monkeypatch, stage, shape, corpus, tokenizer, tmp_path, meeting):
    """Give what starts a replica, told to stop after its first step or not."""

    @contextmanager
    def asked_to_stop():
        yield threading.current_thread().stop_wish

    monkeypatch.setattr(loop, "asked_to_stop", asked_to_stop)
    monkeypatch.setattr(loop, "_LOG_EVERY_STEPS", 1)

    def begin_one(*, told):
        folders = {"corpus": corpus, "tokenizer": tokenizer, "out": tmp_path / "run"}
        options = {"compile_wanted": False, "meeting": meeting}
        return Replica(told=told, config=stage, model_config=shape, **folders, **options)

    return begin_one


def test_one_that_comes_when_all_others_stop_and_one_is_lost_at_it_goes_on_alone(
    begin, stage, monkeypatch, tmp_path
):
    saves, content = threading.Event(), ReplicaLoop._content

    def lost_as_soon_as_another_waits(self, **more):
        if saves.is_set():
            return content(self, **more)
        saves.set()
        while not self.replicas.wants_roster:
            time.sleep(0.02)
        raise Lost

    monkeypatch.setattr(ReplicaLoop, "_content", lost_as_soon_as_another_waits)
    stopping = [begin(told=True), begin(told=True)]
    assert saves.wait(SECONDS_MAX)

    newcomer = begin(told=False)

    for replica in (newcomer, *stopping):
        replica.join(SECONDS_MAX)
    assert isinstance(newcomer.ended, Manifest)
    assert {type(one.ended) for one in stopping} == {Lost, KeyboardInterrupt}
    steps = [line["step"] for line in LossLog(tmp_path / "run").lines() if "loss" in line]
    assert steps == list(range(1, stage.steps + 1))
