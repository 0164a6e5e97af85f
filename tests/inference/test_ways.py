"""Cores, fingerprints and messages."""

import io
import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.inference.frames import read_frame, write_frame
from hunmin.inference.ways import Limits, core_count, processor_fingerprint, processor_has

NUMBERS = st.dictionaries(st.text(), st.lists(st.integers(-(2**63), 2**63)))


def test_threads_that_are_named_are_taken():
    assert core_count(3) == 3


def test_otherwise_there_is_a_thread_for_each_core_the_process_may_use():
    assert 1 <= core_count(0) <= len(os.sched_getaffinity(0))


def test_a_process_held_to_one_processor_takes_one_thread():
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        assert core_count(0) == 1
    finally:
        os.sched_setaffinity(0, allowed)


def test_the_processor_has_a_name_that_stays():
    assert processor_fingerprint() == processor_fingerprint()
    assert not processor_has("no_such_flag")


def test_running_and_waiting_requests_make_up_the_whole():
    assert Limits(running_max=2, waiting_max=3).requests_max == 5


@given(st.lists(NUMBERS, max_size=5))
def test_messages_come_as_they_went(messages):
    stream = io.BytesIO()
    for message in messages:
        write_frame(stream, message)
    stream.seek(0)

    assert [read_frame(stream) for _ in messages] == messages
    assert read_frame(stream) is None


@given(NUMBERS, st.data())
def test_a_message_cut_off_is_the_end(message, data):
    stream = io.BytesIO()
    write_frame(stream, message)
    whole = stream.getvalue()
    cut = data.draw(st.integers(0, len(whole) - 1))

    assert read_frame(io.BytesIO(whole[:cut])) is None


@pytest.mark.parametrize("nonsense", [b"\xff\xff\xff\xff", b"\0\0\0\1x", b"\0\0\0\2[]"])
def test_nonsense_is_no_message(nonsense):
    with pytest.raises(ValueError):  # noqa: PT011 (JSON's error is one too)
        read_frame(io.BytesIO(nonsense))
