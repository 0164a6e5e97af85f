"""Jobs in a simulated world: workers that die, come late and fail, and a clock one moves."""

from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
)

from hunmin import worker
from hunmin.act import SYSTEM, open_act
from hunmin.db import open_database
from hunmin.migrations.tables import all_tables
from hunmin.worker import queue

LEASE_SECONDS = 60
JOBS_MAX = 3


class Jobs(RuleBasedStateMachine):
    """Whatever happens: no job has two workers, none is lost, none is tried too often."""

    held = Bundle("held")

    def __init__(self):
        super().__init__()
        self.database = open_database("sqlite://")
        all_tables().create_all(self.database.engine)
        self.now = datetime(2026, 10, 9, 12, tzinfo=UTC)
        self.waiting_for = {}  # job id: attempts allowed; of every job that is not done
        self.leases = {}  # job id: (attempt, end)
        self.workers = 0

    def teardown(self):
        """Do everything that is left, and see that nothing was lost."""
        for _ in range(10):
            self.now += timedelta(hours=2)
            while (job := self._claim()) is not None:
                with self.database.session() as session:
                    assert queue.finish(session, job, now=self.now)
                self.waiting_for.pop(job.id)
                self.leases.pop(job.id, None)
            with self.database.session(read_only=True) as session:
                given_up = {row.id for row in queue.failed(session)}
            if set(self.waiting_for) <= given_up:
                break
        assert set(self.waiting_for) == given_up
        self.database.close()

    @precondition(lambda self: len(self.waiting_for) < JOBS_MAX)
    @rule(attempts_max=st.integers(1, 3), later=st.sampled_from([0, 0, 30]))
    def enqueue(self, attempts_max, later):
        with open_act(self.database, SYSTEM, now=self.now) as act:
            due_at = self.now + timedelta(seconds=later)
            job_id = worker.enqueue(act, "test", attempts_max=attempts_max, due_at=due_at)
        self.waiting_for[job_id] = attempts_max

    @rule(seconds=st.sampled_from([10, LEASE_SECONDS]))
    def time_passes(self, seconds):
        self.now += timedelta(seconds=seconds)

    @rule(target=held)
    def claim(self):
        job = self._claim()
        return multiple() if job is None else job

    def _claim(self):
        self.workers += 1
        with self.database.session() as session:
            job = queue.claim(
                session,
                worker_id=f"worker-{self.workers}",
                now=self.now,
                lease_seconds=LEASE_SECONDS,
            )
        if job is not None:
            _, end = self.leases.get(job.id, (0, self.now))
            assert end <= self.now, "two workers hold one job"
            assert job.attempts <= self.waiting_for[job.id], "tried too often"
            self.leases[job.id] = (job.attempts, self.now + timedelta(seconds=LEASE_SECONDS))
        return job

    def _holds(self, job):
        return self.leases.get(job.id, (0, None))[0] == job.attempts

    @rule(job=held)
    def give_a_sign_of_life(self, job):
        with self.database.session() as session:
            kept = queue.renew(session, job, now=self.now, lease_seconds=LEASE_SECONDS)
        assert not kept or self._holds(job)
        if kept:
            self.leases[job.id] = (job.attempts, self.now + timedelta(seconds=LEASE_SECONDS))

    @rule(job=consumes(held))
    def finish(self, job):
        with self.database.session() as session:
            kept = queue.finish(session, job, now=self.now)
        assert not kept or self._holds(job)
        if kept:
            self.waiting_for.pop(job.id)
            self.leases.pop(job.id)

    @rule(job=consumes(held))
    def fail(self, job):
        with self.database.session() as session:
            kept = queue.fail(session, job, error_code="x", now=self.now)
        assert not kept or self._holds(job)
        if kept:
            self.leases.pop(job.id)

    @rule(job=consumes(held))
    def die(self, job):
        """Say nothing more of it."""

    @invariant()
    def nothing_is_lost(self):
        with self.database.session(read_only=True) as session:
            kept = set(session.scalars(queue.select(queue.JobRow.id)))
        assert kept == set(self.waiting_for)


Jobs.TestCase.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
TestJobs = Jobs.TestCase
