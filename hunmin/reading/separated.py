"""Tables written as text, with commas, semicolons or tabs between the columns."""

import csv
import io

from hunmin.errors import FileTooLarge
from hunmin.reading.blocks import markdown_table
from hunmin.reading.limits import Limits
from hunmin.reading.result import Page, Reading

_SAMPLE_CHARACTERS = 10_000
_ROWS_A_PAGE = 50
"""A long table is cut, with its head above each part, so that a passage of it says its columns."""


def read_table(text: str, limits: Limits) -> Reading:
    """Return a table as Markdown, its head repeated after every fifty rows.

    Raises:
        FileTooLarge: It has more rows than there may be pages for.
    """
    csv.field_size_limit(limits.characters_max)
    rows = [row for row in csv.reader(io.StringIO(text), delimiter=_delimiter(text)) if any(row)]
    head, body = rows[:1], rows[1:]
    starts = range(0, max(len(body), 1), _ROWS_A_PAGE)
    if len(starts) > limits.pages_max:
        raise FileTooLarge(measure="pages", limit=limits.pages_max)
    pages = (
        Page(number, markdown_table([*head, *body[start : start + _ROWS_A_PAGE]]))
        for number, start in enumerate(starts, start=1)
    )
    return Reading("csv", tuple(pages))


def _delimiter(text: str) -> str:
    """Return the sign that the first line has most of."""
    first = text[:_SAMPLE_CHARACTERS].partition("\n")[0]
    return max(",;\t", key=first.count)
