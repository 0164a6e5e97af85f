"""The table of KWCAG 2.2 names every item, and tests that are really there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
GUIDES = ("accessibility.md", "accessibility.ko.md")


@pytest.mark.parametrize("name", GUIDES)
def test_the_table_has_the_thirty_three_items_and_names_tests_that_are_there(name):
    guide = (ROOT / "docs" / "guides" / name).read_text("utf-8")
    items = re.findall(r"^\| (\d\.\d\.\d) ", guide, re.MULTILINE)
    named = set(re.findall(r"`(test_\w+)`", guide))
    tests = {
        test
        for path in (ROOT / "tests" / "browser").glob("test_*.py")
        for test in re.findall(r"def (test_\w+)", path.read_text("utf-8"))
    }

    assert len(items) == len(set(items)) == 33
    assert items == sorted(items)
    assert named <= tests


def test_both_languages_say_the_same_of_each_item():
    said = [
        [
            (item, tuple(re.findall(r"`(\S+)`", row)))
            for item, row in re.findall(
                r"^\| (\d\.\d\.\d) .*?\| (.*) \|$",
                (ROOT / "docs" / "guides" / name).read_text("utf-8"),
                re.MULTILINE,
            )
        ]
        for name in GUIDES
    ]
    assert said[0] == said[1]
