"""Shedding: a service that has too much to do still does as much as it can, and for everybody."""

import random
from collections import Counter, deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin import accounts
from hunmin.act import SYSTEM, Actor, open_act
from hunmin.errors import Overloaded
from hunmin.gateway import ChatMessage, ChatRequest, shedding
from hunmin.gateway.shedding import Limits, Strain, WaitEstimate

LIMITS = Limits(wait_seconds_max=30.0, memory_bytes_max=1000)
MODEL = "paper"

strains = st.builds(
    Strain,
    lag_seconds=st.floats(0, 2),
    records_waiting=st.integers(0, 2000),
    memory_bytes=st.integers(0, 3000),
    wait_seconds=st.dictionaries(st.just(MODEL), st.floats(0, 200)),
    outstanding=st.dictionaries(st.sampled_from("abcd"), st.integers(1, 50)),
)


def pressure_of(strain: Strain) -> float:
    return max(strain.pressures(MODEL, LIMITS).values())


@given(strain=strains, tenant=st.sampled_from("abcd"))
def test_nobody_is_refused_below_the_limits_and_everybody_at_one(strain, tenant):
    pressure = pressure_of(strain)
    refused = {
        is_guest: shedding.is_refused(pressure, strain, tenant=tenant, is_guest=is_guest)
        for is_guest in (True, False)
    }

    if pressure < shedding.GUESTS_FROM:
        assert not any(refused.values())
    if pressure >= shedding.EVERYONE_FROM:
        assert all(refused.values())
    assert refused[True] >= (pressure >= shedding.GUESTS_FROM)


def test_guests_are_refused_first_then_whoever_has_more_than_a_share_then_everybody():
    strain = Strain(outstanding={"a": 1, "b": 9})
    askers = [("a", True), ("b", False), ("a", False)]

    def refused(pressure: float) -> list[bool]:
        return [
            shedding.is_refused(pressure, strain, tenant=tenant, is_guest=is_guest)
            for tenant, is_guest in askers
        ]

    assert refused(0.79) == [False, False, False]
    assert refused(0.85) == [True, False, False]
    assert refused(0.95) == [True, True, False]
    assert refused(1.0) == [True, True, True]


@given(strain=strains)
def test_somebody_with_the_least_is_never_refused_before_everybody(strain):
    least = min("abcd", key=lambda tenant: strain.outstanding.get(tenant, 0))
    pressure = min(pressure_of(strain), 0.999)

    assert not shedding.is_refused(pressure, strain, tenant=least, is_guest=False)


@given(strain=strains, draw=st.floats(0, 1), cause=st.sampled_from(["lag", "memory", "wait"]))
def test_the_time_to_come_again_is_what_is_expected_give_or_take_a_third(strain, draw, cause):
    seconds = shedding.retry_seconds(cause, strain, model=MODEL, draw=draw)
    expected = strain.wait_seconds.get(MODEL, 0.0) if cause == "wait" else shedding.RETRY_SECONDS
    expected = min(max(expected, 1.0), shedding.RETRY_SECONDS_MAX)

    assert seconds >= 1
    assert expected * 2 / 3 <= seconds <= expected * 4 / 3 + 1


def test_a_wait_is_what_waits_over_what_begins_in_a_second():
    estimate = WaitEstimate()
    for _ in range(200):  # five begin in each second, and ten always wait
        wait = estimate.look(seconds=0.2, begun=1, waiting=10, oldest_seconds=2.0)

    assert wait == pytest.approx(11 / 5, rel=0.05)
    assert estimate.look(seconds=0.2, begun=0, waiting=0, oldest_seconds=0.0) == 0.0


def test_where_no_answer_was_ever_seen_to_begin_the_oldest_tells_the_wait():
    assert WaitEstimate().look(seconds=1, begun=0, waiting=3, oldest_seconds=40.0) == 40.0


class Simulation:
    """An engine that writes ten answers at once, one second each, and people who ask for more.

    Whoever waits for more than 40 seconds has gone away, and the engine's work was for nothing.
    """

    STEP_SECONDS = 0.05
    PLACES = 10
    PATIENCE_SECONDS = 40.0

    def __init__(self, offered: dict[str, float], *, sheds: bool, seed: int) -> None:
        self.offered = offered
        self.sheds = sheds
        self.random = random.Random(seed)
        self.now = 0.0
        self.waiting: deque[tuple[str, float]] = deque()
        self.running: list[tuple[str, float]] = []
        self.served: Counter[str] = Counter()
        self.estimate = WaitEstimate()
        self.strain = Strain()
        self.begun = 0
        self.looked_at = 0.0

    def run(self, seconds: float) -> Counter[str]:
        """Return the answers of each tenant that began while somebody still waited for them."""
        while self.now < seconds:
            self.now += self.STEP_SECONDS
            for tenant, rate in self.offered.items():
                if self.random.random() < rate * self.STEP_SECONDS:
                    self._arrive(tenant)
            self.running = [(who, ends) for who, ends in self.running if ends > self.now]
            while self.waiting and len(self.running) < self.PLACES:
                tenant, came = self.waiting.popleft()
                self.running.append((tenant, self.now + 1.0))
                self.begun += 1
                self.served[tenant] += self.now - came <= self.PATIENCE_SECONDS
            if self.now - self.looked_at >= 0.25:
                self._look()
        return self.served

    def _arrive(self, tenant: str) -> None:
        pressure = pressure_of(self.strain)
        guest = tenant == "guest"
        if self.sheds and shedding.is_refused(pressure, self.strain, tenant=tenant, is_guest=guest):
            return
        self.waiting.append((tenant, self.now))

    def _look(self) -> None:
        oldest = self.now - self.waiting[0][1] if self.waiting else 0.0
        wait = self.estimate.look(
            seconds=self.now - self.looked_at,
            begun=self.begun,
            waiting=len(self.waiting),
            oldest_seconds=oldest,
        )
        self.begun, self.looked_at = 0, self.now
        outstanding = Counter(who for who, _ in [*self.waiting, *self.running])
        self.strain = Strain(wait_seconds={MODEL: wait}, outstanding=outstanding)


OFFERED = {"heavy": 16.0, "a": 2.0, "b": 2.0, "c": 2.0, "guest": 8.0}
"""Requests a second, together three times of what can be done."""


@pytest.mark.parametrize("seed", range(3))
def test_at_three_times_its_capacity_a_service_keeps_nine_tenths_and_nobody_starves(seed):
    seconds = 200
    served = Simulation(OFFERED, sheds=True, seed=seed).run(seconds)

    assert sum(served.values()) >= 0.9 * Simulation.PLACES * seconds
    share = Simulation.PLACES * seconds / len(OFFERED)
    for tenant in ("heavy", "a", "b", "c"):
        assert served[tenant] >= 0.5 * share, served


def test_without_shedding_the_same_load_leaves_almost_nobody_served():
    """Or the test above would prove nothing."""
    served = Simulation(OFFERED, sheds=False, seed=0).run(200)

    assert sum(served.values()) < 0.5 * Simulation.PLACES * 200


async def test_a_strained_gateway_refuses_with_a_time_and_admits_nothing(service, database):
    service._watch._strain = Strain(wait_seconds={MODEL: 60.0})
    with open_act(database, SYSTEM) as act:
        user = accounts.create_user(act, name="dana")
    asker = Actor(user_id=user.id, kind="person", roles=frozenset({"person"}))
    request = ChatRequest(model=MODEL, messages=[ChatMessage(role="user", content="안녕")])

    with pytest.raises(Overloaded) as refusal:
        await service.open(asker, request, request_id="R-1")
    answer = await service.open(SYSTEM, request, request_id="R-2")  # the house's own work goes on
    await answer.aclose()

    assert 40 <= refusal.value.retry_after_seconds <= 81
    assert service.answers_running() == {}


@pytest.fixture
def limits() -> dict[str, object]:
    """Give a gateway that lets nobody wait for more than a second."""
    return {"wait_seconds_max": 1.0}


async def test_an_engine_that_speaks_to_nobody_is_soon_asked_by_nobody(service, engine, database):
    engine.step_seconds = 30.0
    with open_act(database, SYSTEM) as act:
        user = accounts.create_user(act, name="dana")
    asker = Actor(user_id=user.id, kind="person", roles=frozenset({"person"}))
    request = ChatRequest(model=MODEL, messages=[ChatMessage(role="user", content="안녕")])
    opened = [await service.open(asker, request, request_id="R-1")]
    service._watch._look(0.25)
    opened[0]._began -= 5.0  # it waits for five seconds
    service._watch._look(0.25)

    with pytest.raises(Overloaded):
        await service.open(asker, request, request_id="R-2")
    for answer in opened:
        await answer.aclose()
