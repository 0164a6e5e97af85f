"""Which dollars enclose mathematics and which are money, in what the server shows."""

import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hunmin.chat.markdown import to_html
from tests.chat.formulas import FORMULAS, PRICES

BETWEEN = [
    "와 ",
    "과 ",
    ", ",
    "~",
    "-",
    "에서 ",
    " 또는 ",
    "(약 ",
    "원(",
    "/",
    " × ",
    "부터 ",
    ".\n",
    "\n",
]

amounts = st.tuples(
    st.sampled_from(["$", "US$", "$"]),
    st.integers(0, 999),
    st.sampled_from(["", ",000", ".50", ",500.25"]),
).map(lambda parts: f"{parts[0]}{parts[1]}{parts[2]}")


def formulas(text):
    """Return the formulas shown, without the marks around them."""
    found = re.findall(r'<code class="math">(.*?)</code>', to_html(text), re.DOTALL)
    return [re.sub(r"^(\$\$?|\\[(\[])|(\$\$?|\\[)\]])$", "", html.unescape(one)) for one in found]


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas_are_found_and_their_source_is_shown(text):
    assert formulas(text) == FORMULAS[text]


@pytest.mark.parametrize("text", PRICES)
def test_prices_and_code_are_no_formulas(text):
    assert formulas(text) == []


@given(st.lists(st.tuples(amounts, st.sampled_from(BETWEEN)), min_size=2, max_size=8))
def test_no_list_of_prices_is_ever_read_as_a_formula(prices):
    text = "값은 " + "".join(amount + between for amount, between in prices) + "입니다."

    assert formulas(text) == []


@given(st.text(alphabet=st.sampled_from("$$$\\()[] \n`가x^"), max_size=60))
def test_whatever_is_written_every_word_is_still_there(text):
    shown = re.sub(r"<[^>]*>", "", to_html(text))

    assert re.findall("[가x]", shown) == re.findall("[가x]", text)


def test_many_openings_are_read_in_no_time():
    for opening in ("\\(", "\\[", "$$", "$a", "$$\n", "\\[\n"):
        assert "a" in to_html(opening * 5000 + "a")
