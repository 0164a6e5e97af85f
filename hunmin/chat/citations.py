"""Marks such as `[1]` in an answer, as links to the passages it was given. Pure.

The same rules as `static/citations.js`: a mark is a link only where a passage of its number was
given, and never within code, a formula or another link. Where it leads is the server's to say; no
text of a model has a part in the address.
"""

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from hunmin.chat.views import SourceView

PASSAGES = "passages"
"""Where a parser's environment has the passages, by the number as it is written."""

_MARK = re.compile(r"\[([1-9]\d?)\](?!\()")


def passages_of(sources: Sequence[SourceView]) -> dict[str, SourceView]:
    """Return the passages that an answer may name, by the number as it is written."""
    return {str(source.number): source for source in sources if source.number is not None}


def add_citations(parser: MarkdownIt) -> None:
    """Have a parser make `citation` of each mark that names a passage of its environment."""
    parser.inline.ruler.before("link", "citation", _citation)


def draw(token: Token) -> str:
    """Return the HTML of a mark: what it says, and for a screen reader also what is cited."""
    source: SourceView = token.meta["source"]
    label = escapeHtml(f"{token.content} {source.citation}")
    return (
        f'<a class="cite" href="{escapeHtml(source.address)}" target="_blank" '
        f'rel="noopener noreferrer nofollow" aria-label="{label}">{token.content}</a>'
    )


def _citation(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 (the parser's signature)
    # Silently, the parser looks for the end of a link, within which a mark is but a word.
    found = None if silent or state.linkLevel else _MARK.match(state.src, state.pos)
    source = found and state.env.get(PASSAGES, {}).get(found[1])
    if not found or not source:
        return False
    token = state.push("citation", "", 0)
    token.content, token.meta = found[0], {"source": source}
    state.pos = found.end()
    return True
