"""Text out of tokens: characters stay whole, stop strings never show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.inference.text import AnswerText, StopBuffer, byte_of_character, vocabulary_bytes

ANY_BYTE = [bytes([byte]) for byte in range(256)]


def stopped_by_one_character_at_a_time(text, stops):
    """Say it in the slowest way: the first place where any stop string is complete."""
    for end in range(len(text) + 1):
        ending = [stop for stop in stops if text[:end].endswith(stop)]
        if ending:
            return text[: end - max(map(len, ending))], True
    return text, False


@given(st.binary(max_size=60), st.lists(st.integers(1, 5), max_size=30))
def test_pieces_join_to_what_all_bytes_decode_to_at_once(data, sizes):
    pieces, at = [], 0
    for size in [*sizes, len(data)]:
        pieces.append(data[at : at + size])
        at += size
    answer = AnswerText(pieces)

    shown = [answer.push(token) for token in range(len(pieces))]

    assert "".join(shown) + answer.finish() == data.decode("utf-8", "replace")


@given(st.text(min_size=1))
def test_valid_text_never_shows_a_replacement_character_whatever_the_cut(text):
    text = text.encode("utf-8", "replace").decode().replace("�", "?")
    answer = AnswerText(ANY_BYTE)

    shown = [answer.push(byte) for byte in text.encode()]

    assert "�" not in "".join(shown)
    assert "".join(shown) == text
    assert answer.finish() == ""


def test_a_hangul_syllable_arrives_in_one_piece():
    answer = AnswerText(ANY_BYTE)

    assert [answer.push(byte) for byte in "훈민".encode()] == ["", "", "훈", "", "", "민"]


def test_a_syllable_cut_off_by_the_end_is_one_replacement_character():
    answer = AnswerText(ANY_BYTE)

    assert [answer.push(byte) for byte in "훈".encode()[:2]] == ["", ""]
    assert answer.finish() == "�"


@given(
    st.lists(st.text("ab가", min_size=1, max_size=4), max_size=4),
    st.lists(st.text("ab가", max_size=3), max_size=20),
)
def test_a_stop_string_cuts_at_the_same_place_however_the_text_is_cut(stops, pieces):
    buffer = StopBuffer(stops)

    shown = "".join(buffer.push(piece) for piece in pieces) + buffer.finish()

    expected, stopped = stopped_by_one_character_at_a_time("".join(pieces), stops)
    assert (shown, buffer.stopped) == (expected, stopped)


def test_the_beginning_of_a_stop_string_is_held_back_and_shown_when_it_was_none():
    buffer = StopBuffer(["\n사용자:"])

    assert buffer.push("네.\n사용") == "네."
    assert buffer.push("법은") == "\n사용법은"
    assert buffer.push("\n사용자") == ""
    assert buffer.push(": 안녕") == ""
    assert buffer.stopped


def test_nothing_follows_a_stop_string():
    answer = AnswerText(ANY_BYTE, ["."])

    assert "".join(answer.push(byte) for byte in b"a.b") == "a"
    assert answer.finish() == ""


def test_special_tokens_and_unknown_ids_show_nothing():
    table = vocabulary_bytes({"<|im_end|>": 0, "Ġa": 2}, special_ids=[0])
    answer = AnswerText(table)

    assert [answer.push(token) for token in (0, 1, 2, 99, -1)] == ["", "", " a", "", ""]


def test_every_byte_has_one_character():
    assert sorted(byte_of_character().values()) == list(range(256))


def test_a_vocabulary_that_is_not_byte_level_is_refused():
    with pytest.raises(ValueError, match="token 0"):
        vocabulary_bytes({"▁the": 0}, special_ids=[])
