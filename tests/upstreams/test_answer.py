"""What servers send, right and wrong, however it is cut into pieces."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.plugins import Delta
from hunmin.upstreams.answer import PlainAnswer, TokenAnswer
from hunmin.upstreams.events import EVENT_BYTES_MAX, EventReader, EventTooLong
from hunmin.upstreams.shapes import Garbled

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["choices", "text", "delta", "content", "token_ids", "logprobs", "usage",
             "finish_reason", "tokens", "top_logprobs", "token_logprobs", "completion_tokens"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


def said(text, **changes) -> bytes:
    return json.dumps({"choices": [{"text": text, "finish_reason": None} | changes]}).encode()


@given(st.lists(st.sampled_from([b"data: {}\n\n", b": alive\n\n", b"data: x\r\n\r\n"])), st.data())
def test_events_are_the_same_however_they_are_cut(frames, data):
    stream = b"".join(frames)
    reader, events, place = EventReader(), [], 0
    while place < len(stream):
        size = data.draw(st.integers(1, len(stream) - place))
        events += reader.feed(stream[place : place + size])
        place += size

    assert events == [b"{}" if b"{" in one else b"x" for one in frames if b"data" in one]


def test_an_event_that_does_not_end_is_given_up():
    reader = EventReader()
    assert reader.feed(b"data: " + b"a" * (EVENT_BYTES_MAX - 6)) == []
    with pytest.raises(EventTooLong):
        reader.feed(b"a")


@given(JSON)
def test_whatever_a_server_sends_is_read_or_refused(folder, value):
    data = json.dumps(value).encode()
    for answer in (
        PlainAnswer(["끝"], prompt_tokens=1),
        TokenAnswer(folder, [1], ["끝"], top=2),
    ):
        try:
            delta = answer.take(data)
        except Garbled:
            continue
        assert delta is None or isinstance(delta, Delta)


@pytest.mark.parametrize(
    "data",
    [b"", b"garbage", b"[]", b"\xff\xfe", b'{"error": {"message": "secret"}}', b"[" * 100_000,
     b'{"choices": [{"text": "a", "finish_reason": []}]}',
     b'{"choices": [{"text": 1}]}', b'{"choices": [{"text": "a", "finish_reason": "abort"}]}'],
)  # fmt: skip
def test_what_is_no_answer_is_refused_and_not_quoted(data):
    with pytest.raises(Garbled) as refusal:
        PlainAnswer([], prompt_tokens=1).take(data)

    assert "secret" not in str(refusal.value)


def test_a_character_in_two_halves_comes_whole_and_a_half_alone_is_replaced():
    answer = PlainAnswer([], prompt_tokens=1)

    first = answer.take(b'{"choices": [{"text": "\\uac00\\ud83d"}]}')
    second = answer.take(b'{"choices": [{"text": "\\ude00\\ud83d", "finish_reason": "stop"}]}')

    assert (first.text, second.text, answer.finish().text) == ("가", "😀", "\ufffd")


def test_a_stop_string_never_shows_whatever_the_server_does():
    answer = PlainAnswer(["끝냄"], prompt_tokens=1)

    texts = [answer.take(said(text)) for text in ("가끝", "냄나")]

    assert [delta.text for delta in texts if delta] == ["가"]
    assert answer.stopped
    assert answer.finish().finish_reason == "stop"


def test_the_server_counts_what_is_told_as_text():
    answer = PlainAnswer([], prompt_tokens=0)
    answer.take(said("가나다", finish_reason="length"))
    usage = {
        "prompt_tokens": 5, "completion_tokens": 9, "prompt_tokens_details": {"cached_tokens": 4}
    }  # fmt: skip
    answer.take(json.dumps({"choices": [], "usage": usage}).encode())

    last = answer.finish()

    assert (last.prompt_tokens, last.completion_tokens, last.cached_tokens) == (5, 9, 4)
    assert last.finish_reason == "length"


@pytest.mark.parametrize("value", ["NaN", "-Infinity", "1e999", "9" * 400, '"a"', "true"])
def test_a_score_that_is_no_number_is_refused(folder, value):
    told = f'{{"tokens": ["token_id:300"], "token_logprobs": [{value}], "top_logprobs": [null]}}'
    data = f'{{"choices": [{{"text": "", "token_ids": [300], "logprobs": {told}}}]}}'

    with pytest.raises(Garbled):
        TokenAnswer(folder, [1], [], top=0).take(data.encode())


@pytest.mark.parametrize("too_many", [2**31, 10**40])
def test_a_count_that_no_record_could_hold_is_not_believed(too_many):
    answer = PlainAnswer([], prompt_tokens=3)
    answer.take(said("가", finish_reason="stop"))
    usage = {"prompt_tokens": -1, "completion_tokens": too_many}
    answer.take(json.dumps({"choices": [], "usage": usage}).encode())

    assert (answer.finish().prompt_tokens, answer.finish().completion_tokens) == (3, 1)


def test_an_answer_that_does_not_say_why_it_ended_is_refused(folder):
    answer = TokenAnswer(folder, [1], [], top=None)
    answer.take(b'{"choices": [{"text": "", "token_ids": [300], "finish_reason": null}]}')

    with pytest.raises(Garbled):
        answer.finish()
