"""Logs: one line for each thing said, never with what people write."""

import io
import json
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin import logs
from tests.support.lines import logging_as_before


@pytest.fixture(autouse=True)
def _as_before():
    with logging_as_before():
        yield


@pytest.fixture
def said():
    """Give what was said since, as JSON lines."""
    stream = io.StringIO()
    logs.set_up(format="json", level="info", stream=stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_says_what_where_when_and_how_serious(said):
    logs.get("hunmin.somewhere").warning("something happened", count=3)

    (line,) = said()
    assert (line["event"], line["level"], line["logger"]) == (
        "something happened",
        "warning",
        "hunmin.somewhere",
    )
    assert line["count"] == 3
    assert line["timestamp"].endswith("Z")


def test_what_is_bound_stands_on_every_line_inside_and_none_after(said):
    log = logs.get("hunmin.somewhere")
    with logs.bound(request_id="r1", job_id=None):
        log.info("inside")
    log.info("after")

    inside, after = said()
    assert inside["request_id"] == "r1"
    assert "job_id" not in inside
    assert "request_id" not in after


def test_words_of_people_are_dropped_at_any_depth(said):
    deep = {"messages": ["비밀"], "deeper": {"Name": "비밀", "n": 1}}

    logs.get("x").info("asked", prompt="비밀", count=1, deep=deep)

    (line,) = said()
    assert "비밀" not in json.dumps(line, ensure_ascii=False)
    assert line["deep"] == {"deeper": {"n": 1}}


@given(
    fields=st.dictionaries(
        st.sampled_from(sorted(logs.CONTENT_FIELDS)) | st.text(min_size=1, max_size=5),
        st.text(max_size=5),
    )
)
def test_no_field_that_may_carry_content_is_ever_kept(fields):
    kept = logs.drop_content(None, "info", dict(fields))

    assert kept == {k: v for k, v in fields.items() if k.lower() not in logs.CONTENT_FIELDS}


def test_a_traceback_has_no_values_of_variables(said):
    def fail(prompt):
        return 1 / (len(prompt) - len(prompt))

    secret = "밀비"[::-1]
    try:
        fail(secret)
    except ZeroDivisionError:
        logs.get("x").exception("broke")

    (line,) = said()
    assert "ZeroDivisionError" in line["exception"]
    assert "비밀" not in line["exception"]


def test_libraries_speak_through_the_same_door_and_access_lines_are_silent(said):
    logging.getLogger("some.library").warning("a %s", "b")
    logging.getLogger("uvicorn.access").info("GET /sign-in?link=secret")
    logging.getLogger("some.library").debug("too much")

    assert [line["event"] for line in said()] == ["a b"]


def test_people_get_a_line_and_programs_get_json():
    people, programs = io.StringIO(), io.StringIO()
    logs.set_up(format="console", stream=people)
    logs.get("x").info("hello", n=1)
    logs.set_up(format="auto", stream=programs)
    logs.get("x").info("hello", n=1)

    assert "hello" in people.getvalue()
    assert "\x1b[" in people.getvalue()
    assert json.loads(programs.getvalue())["n"] == 1


def test_only_the_wanted_level_is_written():
    stream = io.StringIO()
    logs.set_up(format="json", level="error", stream=stream)
    logs.get("x").warning("quiet")
    logs.get("x").error("loud")

    assert [json.loads(line)["event"] for line in stream.getvalue().splitlines()] == ["loud"]


def test_a_stream_that_takes_nothing_stops_nobody():
    class Full(io.StringIO):
        def write(self, _):
            raise OSError(28, "No space left on device")

    logs.set_up(format="json", stream=Full())
    logs.get("x").info("hello")
    closed = io.StringIO()
    logs.set_up(format="json", stream=closed)
    closed.close()
    logs.get("x").error("hello")
