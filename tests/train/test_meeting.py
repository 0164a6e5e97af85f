"""A meeting answers whoever comes, and says clearly where it cannot."""

import threading
import time

import pytest

from hunmin.errors import MeetingUnreachable, PortInUse, ReplicaOnOtherDevice, ReplicaUnlike
from hunmin.train import meeting as rooms
from hunmin.train import roster
from hunmin.train.meeting import Address, Meeting, Seat
from hunmin.train.stopping import Stop


@pytest.fixture
def meeting():
    """Hold a meeting in a thread."""
    held, stop = Meeting(0, replicas=1, patience_seconds=2.0), Stop()
    keeping = threading.Thread(target=held.keep, args=(lambda _: None, stop))
    keeping.start()
    yield held
    stop.wanted = True
    keeping.join()


@pytest.fixture
def sit(meeting):
    """Give what takes a seat, and leaves it in the end."""
    seats = []

    def take(name, plan="plan", computed_on="CPU"):
        address = Address("127.0.0.1", meeting.port)
        seat = Seat(address, plan=plan, computed_on=computed_on)
        seat.name = name
        seats.append(seat)
        return seat

    yield take
    for seat in seats:
        seat.leave()


def test_a_newcomer_is_on_the_next_roster_once_the_others_ask_for_it(sit):
    first, second = sit("first"), sit("second")
    assert first.next_roster().members == ("first",)
    waiting = threading.Thread(target=second.next_roster)
    waiting.start()
    while not first.wants_roster:
        time.sleep(0.05)

    assert first.next_roster().members == ("first", "second")
    waiting.join()
    assert not first.wants_roster
    assert first.patience_seconds == 2.0


def test_one_that_others_went_on_without_asks_for_a_roster_with_it(sit, monkeypatch):
    monkeypatch.setattr(roster, "SILENT_SECONDS_MAX", 0.2)  # less than between two words
    first, second, third = (sit(name) for name in ("first", "second", "third"))

    assert [one.next_roster().members for one in (first, second, third)] == [
        ("first",), ("second",), ("third",),
    ]  # fmt: skip
    time.sleep(3 * rooms._SAY_SECONDS)

    assert first.wants_roster


def test_two_replicas_have_two_names_where_machine_and_process_are_called_alike(meeting):
    address = Address("127.0.0.1", meeting.port)
    seats = [Seat(address, plan="plan", computed_on="CPU") for _ in range(2)]
    for seat in seats:
        seat.leave()

    assert seats[0].name != seats[1].name


def test_who_trains_something_else_is_told_so(sit):
    sit("first").next_roster()

    with pytest.raises(ReplicaUnlike):
        sit("second", plan="another").next_roster()


def test_who_computes_on_other_devices_is_told_on_which_the_others_do(sit):
    sit("first", computed_on="GPU of 2024, PyTorch 2.13").next_roster()

    with pytest.raises(ReplicaOnOtherDevice, match="GPU of 2024, PyTorch 2.13, and .* GPU of 2026"):
        sit("second", computed_on="GPU of 2026, PyTorch 2.13").next_roster()


@pytest.mark.parametrize("words", ["\xff{", "[]", "{}", '{"name": [], "leaves": true}'])
def test_words_that_no_replica_says_do_not_end_a_meeting(meeting, sit, words):
    stranger = Address("127.0.0.1", meeting.port).connect()
    stranger.set(f"word/{stranger.add('count', 1)}", words)

    assert sit("first").next_roster().members == ("first",)


def test_a_port_that_is_taken_is_named(meeting):
    with pytest.raises(PortInUse, match=str(meeting.port)):
        Meeting(meeting.port, replicas=1, patience_seconds=2.0)


def test_where_nobody_answers_it_says_where(monkeypatch):
    monkeypatch.setattr(rooms, "_UNREACHABLE_SECONDS_MAX", 0.0)
    monkeypatch.setattr(rooms, "_STORE_TIMEOUT", rooms.timedelta(seconds=1))

    with pytest.raises(MeetingUnreachable, match="127.0.0.1:9"):
        Seat(Address("127.0.0.1", 9), plan="plan", computed_on="CPU")


@pytest.mark.parametrize("text", ["desk", "desk:", ":29600", "desk:port", "desk:65536"])
def test_a_place_that_is_not_written_as_one_is_refused(text):
    with pytest.raises(MeetingUnreachable):
        Address.parse(text)


def test_a_place_may_be_an_address_of_any_kind():
    assert Address.parse("[fe80::1]:29600") == Address("fe80::1", 29600)
    assert Address.parse("desk:29600") == Address("desk", 29600)


def test_a_place_is_called_alike_on_its_own_machine_and_on_others(monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "desk")

    hosts = ("Desk", "localhost", "127.0.1.1", "[::1]")
    said = {Address.parse(f"{host}:29600").place for host in hosts}

    assert said == {"desk:29600"}
    assert Address("desk-2", 29600).place not in said
