"""The worker: jobs enqueued with the act, done at least once, retried, given up."""

import os
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest

from hunmin import worker
from hunmin.act import SYSTEM, open_act
from hunmin.errors import DiskFull
from hunmin.worker import queue


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self, now):
        self.now = now

    def __call__(self):
        return self.now

    def forward(self, **units):
        self.now += timedelta(**units)


@pytest.fixture
def clock(noon):
    return Clock(noon)


@pytest.fixture
def done():
    return []


@pytest.fixture
def handlers(done):
    handlers = worker.Handlers()
    handlers.add("test.note.write", lambda job: done.append(job.arguments["n"]))
    return handlers


@pytest.fixture
def hand(database, handlers, clock):
    return worker.Worker(database, handlers, clock=clock)


def wait_for(done) -> None:
    deadline = time.monotonic() + 60
    while not done:
        assert time.monotonic() < deadline, "it was not done within a minute"
        time.sleep(0.01)


def test_a_job_is_done_once_the_act_that_wants_it_is_committed(act_as, hand, done):
    with act_as() as act:
        worker.enqueue(act, "test.note.write", n=1)

    assert hand.run_once()
    assert not hand.run_once()
    assert done == [1]


def test_a_job_of_an_act_that_failed_never_was(act_as, hand, done):
    def fail():
        with act_as() as act:
            worker.enqueue(act, "test.note.write", n=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert not hand.run_once()
    assert done == []


def test_jobs_are_done_in_the_order_they_are_due(act_as, hand, done, noon, clock):
    with act_as() as act:
        worker.enqueue(act, "test.note.write", n=3, due_at=noon + timedelta(hours=3))
        worker.enqueue(act, "test.note.write", n=2, due_at=noon + timedelta(hours=2))
        worker.enqueue(act, "test.note.write", n=1)

    hand.run_once()
    assert not hand.run_once()
    clock.forward(hours=3)
    while hand.run_once():
        pass

    assert done == [1, 2, 3]


def test_how_far_workers_are_behind_is_a_count_and_a_moment(act_as, noon):
    with act_as() as act:
        worker.enqueue(act, "test.note.write", n=1)
        worker.enqueue(act, "test.note.write", due_at=noon + timedelta(minutes=1), n=2)
        worker.enqueue(act, "test.note.write", due_at=noon + timedelta(hours=1), n=3)

    with act_as(now=noon + timedelta(minutes=2), read_only=True) as act:
        assert worker.read_due(act) == worker.Due(jobs=2, oldest_at=noon)
    with act_as(now=noon - timedelta(minutes=1), read_only=True) as act:
        assert worker.read_due(act) == worker.Due(jobs=0, oldest_at=None)


def test_of_one_key_only_one_job_waits(act_as, hand, done):
    with act_as() as act:
        first = worker.enqueue(act, "test.note.write", unique_key="k", n=1)
        second = worker.enqueue(act, "test.note.write", unique_key="k", n=2)
    while hand.run_once():
        pass
    with act_as() as act:
        third = worker.enqueue(act, "test.note.write", unique_key="k", n=3)
    while hand.run_once():
        pass

    assert first
    assert second is None
    assert third
    assert done == [1, 3]


def test_a_waiting_job_can_be_taken_back(act_as, hand, done):
    with act_as() as act:
        job_id = worker.enqueue(act, "test.note.write", n=1)
    with act_as() as act:
        assert worker.cancel(act, job_id)
        assert not worker.cancel(act, job_id)

    assert not hand.run_once()
    assert done == []


def test_a_job_that_fails_is_tried_again_later_and_given_up_in_the_end(
    act_as, database, handlers, clock, tmp_path
):
    attempts = []

    def fail(job):
        attempts.append(job.attempt)
        raise DiskFull(path=tmp_path)

    handlers.add("test.note.lose", fail)
    hand = worker.Worker(database, handlers, clock=clock)
    with act_as() as act:
        worker.enqueue(act, "test.note.lose", attempts_max=3)

    assert hand.run_once()
    assert not hand.run_once()
    for _ in range(5):
        clock.forward(hours=2)
        hand.run_once()

    assert attempts == [1, 2, 3]
    with act_as() as act:
        (row,) = queue.failed(act.session)
        assert row.error_code == "disk_full"
        assert queue.retry(act, row.id)
    assert hand.run_once()
    assert attempts == [1, 2, 3, 1]


def test_a_fault_in_a_job_does_not_end_the_worker(act_as, database, handlers, clock, done):
    handlers.add("test.note.break", lambda job: 1 / len(job.arguments))
    hand = worker.Worker(database, handlers, clock=clock)
    with act_as() as act:
        worker.enqueue(act, "test.note.break", attempts_max=1)
        worker.enqueue(act, "test.note.nobody", attempts_max=1)
        worker.enqueue(act, "test.note.write", n=1)

    while hand.run_once():
        pass

    assert done == [1]
    with act_as() as act:
        codes = {row.error_code for row in queue.failed(act.session)}
    assert codes == {"ZeroDivisionError", "handler_unknown"}


def test_a_fault_between_jobs_does_not_end_the_worker(
    act_as, database, handlers, clock, done, monkeypatch
):
    claim, faults = queue.claim, [RuntimeError("unforeseen")]

    def stumble(*asked, **named):
        if faults:
            raise faults.pop()
        return claim(*asked, **named)

    monkeypatch.setattr(queue, "claim", stumble)
    with act_as() as act:
        worker.enqueue(act, "test.note.write", n=1)
    hand = worker.Worker(database, handlers, clock=clock, poll_seconds=0.01)
    hand.start()
    wait_for(done)
    hand.stop()

    assert done == [1]


def test_a_periodic_job_comes_again_and_is_never_doubled(database, handlers, clock, done):
    handlers.add("test.clock.tick", lambda _: done.append("tick"), every_seconds=60)
    hands = [worker.Worker(database, handlers, clock=clock) for _ in range(2)]

    for _ in range(3):
        for hand in hands:
            hand.schedule()
            while hand.run_once():
                pass
        clock.forward(seconds=60)

    assert done == ["tick"] * 3


def test_a_periodic_job_that_keeps_failing_keeps_its_turns(database, handlers, clock, done):
    def fail(job):
        done.append(job.attempt)
        raise OSError

    handlers.add("test.clock.stop", fail, every_seconds=600, attempts_max=2)
    hand = worker.Worker(database, handlers, clock=clock)
    hand.schedule()

    for _ in range(4):
        while hand.run_once():
            pass
        clock.forward(seconds=600)

    assert done == [1, 2, 1, 2]


def test_a_job_whose_worker_died_is_done_by_another(act_as, database, handlers, clock, done):
    dead, alive = (worker.Worker(database, handlers, clock=clock) for _ in range(2))
    with act_as() as act:
        worker.enqueue(act, "test.note.write", n=1)
    with database.session() as session:
        queue.claim(session, worker_id=dead.id, now=clock(), lease_seconds=60)

    clock.forward(seconds=59)
    assert not alive.run_once()
    clock.forward(seconds=1)
    assert alive.run_once()

    assert done == [1]


def test_a_job_that_kills_every_worker_is_given_up(act_as, database, handlers, clock, done):
    hand = worker.Worker(database, handlers, clock=clock)
    with act_as() as act:
        worker.enqueue(act, "test.note.write", n=1, attempts_max=2)
    for _ in range(2):
        with database.session() as session:
            assert queue.claim(session, worker_id="w", now=clock(), lease_seconds=60)
        clock.forward(seconds=60)

    assert not hand.run_once()
    assert done == []
    with act_as() as act:
        assert [row.error_code for row in queue.failed(act.session)] == ["worker_died"]


def test_a_worker_that_outlived_its_lease_changes_nothing(act_as, database, clock):
    with act_as() as act:
        worker.enqueue(act, "test.note.write", n=1)
    with database.session() as session:
        slow = queue.claim(session, worker_id="slow", now=clock(), lease_seconds=60)
    clock.forward(seconds=60)
    with database.session() as session:
        quick = queue.claim(session, worker_id="quick", now=clock(), lease_seconds=60)

    with database.session() as session:
        assert not queue.renew(session, slow, now=clock(), lease_seconds=60)
        assert not queue.finish(session, slow, now=clock())
        assert not queue.fail(session, slow, error_code="late", now=clock())
        assert queue.finish(session, quick, now=clock())


def test_a_long_job_keeps_its_lease_by_signs_of_life(act_as, database, done):
    handlers = worker.Handlers()
    handlers.add("test.note.ponder", lambda _: (time.sleep(4), done.append("pondered")))
    first, second = (
        worker.Worker(database, handlers, lease_seconds=3, poll_seconds=0.05) for _ in range(2)
    )
    with act_as() as act:
        worker.enqueue(act, "test.note.ponder")

    first.start()
    second.start()
    wait_for(done)
    for hand in (first, second):
        hand.stop()  # waits for what it does, if it had taken the job too

    assert done == ["pondered"]


def test_many_workers_share_many_jobs_and_do_each_once(act_as, database, clock):
    done = []
    lock = threading.Lock()
    handlers = worker.Handlers()

    def note(job):
        with lock:
            done.append(job.arguments["n"])

    handlers.add("test.note.write", note)
    with act_as() as act:
        for n in range(60):
            worker.enqueue(act, "test.note.write", n=n)

    def work():
        hand = worker.Worker(database, handlers, clock=clock)
        while hand.run_once():
            pass

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(done) == list(range(60))


_KILLED_WORKER = """
import os, signal, sys
from hunmin import worker
from hunmin.db import open_database

database = open_database(sys.argv[1])
handlers = worker.Handlers()

def write(job):
    with open(sys.argv[2], "a") as out:
        out.write(f"{job.arguments['n']}\\n")
    if job.attempt == 1 and job.arguments["n"] % 2 == 0:
        os.kill(os.getpid(), signal.SIGKILL)

handlers.add("test.note.write", write)
hand = worker.Worker(database, handlers, lease_seconds=1)
while hand.run_once():
    pass
"""


def test_killed_workers_lose_no_job(database_url, database, tmp_path):
    out = tmp_path / "out.txt"
    with open_act(database, SYSTEM) as act:
        for n in range(4):
            worker.enqueue(act, "test.note.write", n=n)

    for _ in range(10):
        ended = subprocess.run(
            [sys.executable, "-c", _KILLED_WORKER, database_url, out], check=False
        )
        if ended.returncode == 0 and len(set(out.read_text().split())) == 4:
            break
        assert ended.returncode in {0, -signal.SIGKILL}
        time.sleep(1.1)

    noted = out.read_text().split()
    assert sorted(set(noted)) == ["0", "1", "2", "3"]
    assert sorted(noted) == ["0", "0", "1", "2", "2", "3"]


def test_the_command_ends_cleanly_on_a_signal(tmp_path):
    with subprocess.Popen(
        [sys.executable, "-m", "hunmin", "worker", "--data", tmp_path],
        stderr=subprocess.PIPE,
        env={**os.environ, "HUNMIN_LOGS__FORMAT": "json", "HUNMIN_WORKER__POLL_SECONDS": "0.05"},
    ) as program:
        line = program.stderr.readline()
        program.send_signal(signal.SIGTERM)
        _, rest = program.communicate(timeout=120)

    assert b'"the worker is ready"' in line
    assert program.returncode == 0, rest
