"""The error catalog: every error has a code, a status, and a sentence in both languages."""

import collections.abc
import http
import importlib
import inspect
import pkgutil
import typing
from datetime import date
from pathlib import Path

import pytest

from hunmin import errors
from hunmin.errors import HunminError

EXAMPLES: dict[object, object] = {
    str: "something",
    int: 3,
    float: 2.5,
    bool: True,
    Path: Path("folder/file"),
    date: date(2026, 12, 1),
}


def _every_error():
    found = set()
    for module in pkgutil.iter_modules(errors.__path__, "hunmin.errors."):
        found |= {
            value
            for value in vars(importlib.import_module(module.name)).values()
            if inspect.isclass(value) and issubclass(value, HunminError)
        }
    bases = {kind for kind in found if kind.__subclasses__() and "code" not in vars(kind)}
    return sorted(found - bases - {HunminError}, key=lambda kind: (kind.code, kind.__name__))


ALL = _every_error()


def _example(annotation):
    """Return some value of a type an error takes."""
    if annotation in EXAMPLES:
        return EXAMPLES[annotation]
    origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return inner[0]
    if origin is dict or origin is collections.abc.Mapping:
        return {_example(inner[0]): _example(inner[1])}
    if isinstance(origin, type) and issubclass(origin, collections.abc.Collection):
        whole = [_example(part) for part in inner if part is not ...]
        return origin(whole) if origin in {list, tuple, set, frozenset} else whole
    return _example(next(option for option in inner if option is not type(None)))


def _instance(kind):
    parameters = inspect.signature(kind.__init__).parameters
    hints = typing.get_type_hints(kind.__init__)
    given = {
        name: _example(hints[name])
        for name, parameter in parameters.items()
        if name != "self" and parameter.default is inspect.Parameter.empty
    }
    return kind(**given)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_an_error_has_a_next_step_in_both_languages(kind):
    error = _instance(kind)

    assert error.message("en") == error.en == str(error)
    assert error.message("ko") == error.ko
    assert error.message("fr") == error.en
    assert len(error.en) > 40, "say the next step too"
    assert any("가" <= letter <= "힣" for letter in error.ko)


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_an_error_has_a_code_and_an_http_status(kind):
    assert kind.code.replace("_", "").isalnum()
    assert kind.code == kind.code.lower()
    assert http.HTTPStatus(kind.status) >= http.HTTPStatus.BAD_REQUEST
    assert kind.__doc__, "say what happened"


def test_no_two_errors_share_a_code():
    """Those of the OpenAI API have the codes its clients know, which are fewer."""
    codes = [kind.code for kind in ALL if not issubclass(kind, errors.ApiError)]

    assert sorted(codes) == sorted(set(codes))


def test_every_error_stands_in_the_catalog():
    missing = [kind.__name__ for kind in ALL if getattr(errors, kind.__name__, None) is not kind]

    assert missing == []
    assert {kind.__name__ for kind in ALL} <= set(errors.__all__)
