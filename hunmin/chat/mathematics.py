r"""LaTeX in a text: what is mathematics and what is money. Pure.

The same rules as `static/mathematics.js`, for the page's first view and for readers without
scripts, who are shown the source of each formula. `$$…$$` and `\[…\]` stand apart, `\(…\)` and
`$…$` within a line; between two dollar signs may as well stand the words between two prices.
"""

import re
from collections.abc import Iterable

from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

_SIGN = re.compile(r"[\\^_=<>{}+*/|]")
_NUMBER_OR_NAME = re.compile(r"[0-9A-Za-z]")
_HANGUL = re.compile(r"[\u1100-\u11ff\u3130-\u318f\uac00-\ud7a3]")

# No form goes beyond an empty line, and none holds code.
_DOUBLE_DOLLARS = r"\$\$(?!\$)((?:(?!\n[ \t]*\n)(?:\\[\s\S]|[^\\$`]))+)\$\$(?!\$)"
_SQUARE = r"\\\[((?:(?!\n[ \t]*\n)(?:\\(?![\[\]])[\s\S]|[^\\`]))+)\\\]"
_ROUND = r"\\\(((?:(?!\n[ \t]*\n)(?:\\(?![()])[\s\S]|[^\\`]))+)\\\)"
_DOLLARS = r"\$(?![\s$])((?:\\[^\n]|[^\\$`\n])*?[^\\\s$`])\$(?![0-9A-Za-z$])"

_DISPLAY = tuple(re.compile(form + r"[ \t]*(?:\n|\Z)") for form in (_DOUBLE_DOLLARS, _SQUARE))
_BRACKETS = tuple(re.compile(form) for form in (_SQUARE, _ROUND))
_BETWEEN_DOLLARS = tuple(re.compile(form) for form in (_DOUBLE_DOLLARS, _DOLLARS))
_DISPLAY_LINES_MAX = 60
"""A text full of openings that never end would be read again from each of them."""

_BEFORE_DOLLAR = re.compile(r"[\\$0-9A-Za-z]")


def is_mathematics(inside: str) -> bool:
    """Return whether what stands between two dollar signs is no words between two prices."""
    if _SIGN.search(inside):
        return True
    is_amount = inside[0] in "0123456789" and any(character.isspace() for character in inside)
    return bool(_NUMBER_OR_NAME.search(inside)) and not _HANGUL.search(inside) and not is_amount


def add_mathematics(parser: MarkdownIt) -> None:
    """Have a parser make `math` of formulas within a line, and `math_block` of those apart."""
    parser.inline.ruler.before("escape", "math", _inline)
    # A formula ends a paragraph, as a fence does.
    parser.block.ruler.before(
        "fence", "math_block", _block, {"alt": ["paragraph", "reference", "blockquote", "list"]}
    )


def _inline(state: StateInline, silent: bool) -> bool:  # noqa: FBT001 (the parser's signature)
    found = _first_of(_BRACKETS, state.src, state.pos)
    if found is None:
        found = _first_of(_BETWEEN_DOLLARS, state.src, state.pos)
        before = state.src[state.pos - 1 : state.pos] if state.pos else ""
        if found is None or _BEFORE_DOLLAR.match(before) or not is_mathematics(found[1]):
            return False
    if not silent:
        state.push("math", "", 0).content = found[0]
    state.pos = found.end()
    return True


def _block(state: StateBlock, first: int, last: int, silent: bool) -> bool:  # noqa: FBT001
    begin = state.bMarks[first] + state.tShift[first]
    if state.is_code_block(first) or not state.src.startswith(("$$", "\\["), begin):
        return False
    last = min(last, first + _DISPLAY_LINES_MAX)
    text = state.getLines(first, last, state.blkIndent, keepLastLF=True).lstrip(" ")
    found = _first_of(_DISPLAY, text, 0)
    if found is None:
        return False
    if not silent:
        state.push("math_block", "", 0).content = found[1].strip()
        state.line = first + len(found[0].splitlines())
    return True


def _first_of(forms: Iterable[re.Pattern[str]], text: str, at: int) -> re.Match[str] | None:
    return next((found for form in forms if (found := form.match(text, at))), None)
