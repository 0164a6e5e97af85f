"""A model's Markdown as safe HTML, for the page's first view and for readers without scripts.

The same rules as `static/markdown.js`: HTML in the text is shown as text, images become words,
links lead only to http, https and mail, with the host shown, and marks to the passages of the
answer. Pure.
"""

from collections.abc import Callable, Iterator, MutableMapping, Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import OptionsDict

from hunmin.chat import citations
from hunmin.chat.mathematics import add_mathematics
from hunmin.chat.views import SourceView

_SCHEMES = frozenset({"http", "https", "mailto"})

_Rule = Callable[[RendererHTML, Sequence[Token], int, OptionsDict, MutableMapping[str, Any]], str]


def to_html(text: str, sources: Sequence[SourceView] = ()) -> str:
    """Return safe HTML for Markdown that nobody vouches for: one `div.block` after the other.

    Args:
        text: What a model wrote.
        sources: What its marks, such as `[1]`, may lead to.
    """
    parser = _parser()
    env: dict[str, Any] = {citations.PASSAGES: citations.passages_of(sources)}
    blocks = _blocks(parser.parse(text, env))
    made = (parser.renderer.render(block, parser.options, env) for block in blocks)
    return "".join(f'<div class="block">{html}</div>\n' for html in made)


def _blocks(tokens: list[Token]) -> Iterator[list[Token]]:
    """Return the tokens of each block that stands in no other."""
    block: list[Token] = []
    for token in tokens:
        block.append(token)
        if token.level == 0 and token.nesting <= 0:  # not the beginning of one
            yield block
            block = []


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "breaks": True})
    parser.enable(["table", "strikethrough"])
    # The parser asks this method before it makes a link; a link it refuses stays text.
    parser.validateLink = _may_link  # type: ignore[method-assign]
    add_mathematics(parser)
    citations.add_citations(parser)
    rules: dict[str, _Rule] = {
        "citation": _citation,
        "math": _math,
        "math_block": _math_block,
        "image": _image,
        "link_open": _link_open,
        "link_close": _link_close,
        "fence": _code,
        "code_block": _code,
        "table_open": _table_open,
        "table_close": _table_close,
        "th_open": _cell_open,
        "td_open": _cell_open,
    }
    for name, rule in rules.items():
        parser.add_render_rule(name, rule)
    return parser


def _may_link(address: str) -> bool:
    try:
        return urlsplit(address).scheme.lower() in _SCHEMES
    except ValueError:
        return False


def _citation(
    _self: RendererHTML,
    tokens: Sequence[Token],
    at: int,
    _options: OptionsDict,
    _env: MutableMapping[str, Any],
) -> str:
    return citations.draw(tokens[at])


def _image(
    _self: RendererHTML,
    tokens: Sequence[Token],
    at: int,
    _options: OptionsDict,
    _env: MutableMapping[str, Any],
) -> str:
    return escapeHtml(f"({tokens[at].content})")


def _link_open(
    _self: RendererHTML,
    tokens: Sequence[Token],
    at: int,
    _options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    address = str(tokens[at].attrGet("href") or "")
    env["host"] = urlsplit(address).netloc
    rel = "noopener noreferrer nofollow"
    return f'<a href="{escapeHtml(address)}" target="_blank" rel="{rel}">'


def _link_close(
    _self: RendererHTML,
    _tokens: Sequence[Token],
    _at: int,
    _options: OptionsDict,
    env: MutableMapping[str, Any],
) -> str:
    host = env.pop("host", "")
    return f'</a> <span class="host">({escapeHtml(host)})</span>' if host else "</a>"


def _code(
    _self: RendererHTML,
    tokens: Sequence[Token],
    at: int,
    _options: OptionsDict,
    _env: MutableMapping[str, Any],
) -> str:
    text = escapeHtml(tokens[at].content)
    name = escapeHtml(tokens[at].info.strip().partition(" ")[0])
    head = f'<div class="code-head"><span>{name}</span></div>'
    return f'<div class="code">{head}<pre tabindex="0"><code>{text}</code></pre></div>\n'


def _math(
    _self: RendererHTML,
    tokens: Sequence[Token],
    at: int,
    _options: OptionsDict,
    _env: MutableMapping[str, Any],
) -> str:
    return f'<code class="math">{escapeHtml(tokens[at].content)}</code>'


def _math_block(*given: Any) -> str:  # noqa: ANN401 (as `_math` takes)
    return f'<div class="formula" tabindex="0">{_math(*given)}</div>\n'


def _table_open(*_: object) -> str:
    return '<div class="table" tabindex="0"><table>\n'


def _table_close(*_: object) -> str:
    return "</table></div>\n"


def _cell_open(
    _self: RendererHTML,
    tokens: Sequence[Token],
    at: int,
    _options: OptionsDict,
    _env: MutableMapping[str, Any],
) -> str:
    """Say the side by an attribute: the page's content policy allows no inline style."""
    side = str(tokens[at].attrGet("style") or "").removeprefix("text-align:")
    return f'<{tokens[at].tag} align="{side}">' if side else f"<{tokens[at].tag}>"
