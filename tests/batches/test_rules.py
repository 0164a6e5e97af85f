"""What a batch may be, and how its file is cut into lines."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from hunmin.batches import rules, store
from hunmin.batches.rules import LineWrong
from hunmin.batches.wire import NewBatch
from tests.batches.conftest import CHAT, line


def test_a_line_is_a_request_with_a_name_of_its_own():
    read = rules.read_line(json.dumps(line(1)).encode(), endpoint=CHAT, known={"line 2"})

    assert read.custom_id == "line 1"
    assert json.loads(read.body)["model"] == "paper"


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"custom_id": None}, "missing_required_parameter", "custom_id"),
        ({"custom_id": ""}, "missing_required_parameter", "custom_id"),
        ({"custom_id": "x" * 513}, "missing_required_parameter", "custom_id"),
        ({"custom_id": "\ud800"}, "invalid_value", "custom_id"),
        ({"custom_id": "a\0"}, "invalid_value", "custom_id"),
        ({"custom_id": "known"}, "duplicate_custom_id", "custom_id"),
        ({"method": "GET"}, "invalid_method", "method"),
        ({"url": "/v1/completions"}, "mismatched_url", "url"),
        ({"body": []}, "missing_required_parameter", "body"),
    ],
)
def test_a_line_that_is_no_request_is_told_by_its_field(changes, code, param):
    with pytest.raises(LineWrong) as wrong:
        rules.read_line(json.dumps(line(1) | changes).encode(), endpoint=CHAT, known={"known"})

    assert (wrong.value.code, wrong.value.param) == (code, param)


@given(st.binary(max_size=60))
def test_any_bytes_are_a_line_or_are_told_to_be_none(text):
    with pytest.raises(LineWrong):
        rules.read_line(text, endpoint=CHAT, known=())


@given(st.lists(st.sampled_from([b"a", b"bc", b"", b"\xed\x95\x9c"]), min_size=1), st.data())
def test_lines_are_the_same_however_a_file_is_cut(parts, data):
    content = b"\n".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(content)), max_size=5)))
    edges = [0, *cuts, len(content)]
    pieces = [content[a:b] for a, b in pairwise(edges)]

    assert list(store.lines(pieces, bytes_max=9)) == parts


def test_a_line_without_an_end_is_given_up():
    with pytest.raises(ValueError, match="line"):
        list(store.lines([b"a" * 6, b"b" * 6], bytes_max=9))


@pytest.mark.parametrize(
    "changes", [{"input_file_id": "a\0"}, {"metadata": {"a": "\0"}}, {"metadata": {"\0": "a"}}]
)
def test_what_a_batch_is_told_with_it_can_be_kept(changes):
    told = {"input_file_id": "a", "endpoint": CHAT, "completion_window": "24h"}
    NewBatch.model_validate(told)

    with pytest.raises(ValidationError):
        NewBatch.model_validate(told | changes)
