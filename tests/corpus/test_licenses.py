"""Which licenses a corpus may hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.corpus import LICENSES, find_license, is_allowed


@pytest.mark.parametrize(
    "expression",
    [
        "KOGL-0", "KOGL-1", "공공누리 제1유형", "CC0-1.0", "CC-BY-2.5",
        "CC-BY-4.0", "CC-BY-2.0-KR", "CC-BY-SA-3.0",
        "CC-BY-SA-3.0-IGO", "Public-Domain-KR", "public domain", "KR-Copyright-Act-Art7", "MIT",
        "Apache-2.0", "BSD-3-Clause", "PSF-2.0", "MPL-2.0", "GFDL-1.2+", "GFDL-1.3-or-later",
        "GPL-2+", "GPL-2+ OR CC-BY-SA-3.0", "CC-BY-NC-4.0 OR CC-BY-4.0", "MIT AND CC-BY-4.0",
        "(MIT OR Apache-2.0)", "Own", "own", "KR-donated-free-use",
    ],
)  # fmt: skip
def test_licenses_that_let_everyone_change_and_use_a_text_are_allowed(expression):
    assert is_allowed(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "KOGL-2", "KOGL-3", "KOGL-4", "공공누리 제4유형", "CC-BY-NC-4.0", "CC-BY-ND-4.0",
        "CC-BY-NC-SA-4.0", "CC-BY-NC-ND-2.0-KR", "MIT AND CC-BY-NC-4.0", "proprietary", "", " ",
        "unknown", "CC-BY-NC-4.0 OR CC-BY-ND-4.0", "MIT or Apache",
    ],
)  # fmt: skip
def test_other_licenses_are_refused(expression):
    assert not is_allowed(expression)


def test_a_separate_permission_allows_what_the_list_refuses():
    assert is_allowed("KOGL-4", also=frozenset({"KOGL-4"}))
    assert is_allowed("Contract-2026-17", also=frozenset({"Contract-2026-17"}))
    assert is_allowed("MIT AND KOGL-2", also=frozenset({"KOGL-2"}))


def test_every_license_has_both_names_and_a_place_to_read_it():
    for entry in LICENSES.values():
        assert entry.en
        assert entry.ko
        assert entry.url.startswith("https://") or entry.id == "Own"
        assert find_license(entry.id) is entry
        assert entry.allowed == is_allowed(entry.id)


@given(st.text(max_size=40))
def test_whatever_is_not_on_the_list_is_refused(expression):
    known = {entry.lower() for entry in LICENSES}
    parts = expression.replace("(", " ").replace(")", " ").lower().split()
    if not any(part.rstrip("+").removesuffix("-only") in known for part in parts):
        assert not is_allowed(expression) or find_license(expression) is not None
