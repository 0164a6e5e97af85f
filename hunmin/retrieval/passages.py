"""From a document to passages: pieces small enough to be read, each with how it is cited. Pure.

A text that is written in articles (조) is cut by article, and a long article by its paragraphs
(항), as lawyers cite. Any other text is cut at headings and paragraphs.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from hunmin.retrieval.terms import ARTICLE

PASSAGE_CHARACTERS = 1_000
"""A longer passage is cut. About a page of print, or 300 tokens: three to five fit a question."""

_HEADING = re.compile(r"(#{1,6}) +(.+)")
_TITLE = r"\(((?:[^()]|\([^()]*\))*)\)"
_ARTICLE_HEADING = re.compile(rf"#{{1,6}} +({ARTICLE.pattern})(?=[ (]|$) *(?:{_TITLE})? *(.*)")
_ARTICLE_LINE = re.compile(rf"({ARTICLE.pattern}) *{_TITLE}((?: |[①-⑳]|$).*)")
"""An article in a file without headings. A sentence that begins with one goes on with a particle
at once: 제3조(정의)에 따라."""
_PARAGRAPH_SIGN = re.compile(r"(?:\*\*)?([①-⑳㉑-㉟㊱-㊿])")
_ADDENDA = "부칙"
_TITLE_CHARACTERS_MAX = 100
_HEADING_CHARACTERS_MAX = 300
"""A longer line is no heading: each passage repeats those above it."""


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document."""

    anchor: str
    """Where in its document: `제16조제1항`, or a number; no two passages of a document share it."""
    citation: str
    """How a person would cite it: `「주민등록법」 제16조제1항`."""
    heading: str
    """The headings above it, with ` > ` between them."""
    page: int
    """The page it, or its article, begins on, counted from 1; 0 where the document has none."""
    text: str


def title_of(text: str, default: str) -> str:
    """Return the heading a Markdown text begins with, or `default` where it has none."""
    first = _HEADING.fullmatch(text.lstrip().partition("\n")[0].strip())
    return first.group(2)[:_TITLE_CHARACTERS_MAX] if first else default


def cut(title: str, pages: Iterable[tuple[int, str]]) -> list[Passage]:
    """Cut a document into passages.

    Args:
        title: What it is called.
        pages: Number and Markdown text of each page; number 0 where there are no pages.

    Returns:
        Its passages in their order. Together they hold every line of it but the headings, which
        stand in `heading`.
    """
    cutting = _Cutting(title)
    for number, text in pages:
        cutting.turn_to(number)
        for line in text.split("\n"):
            cutting.add(line)
    cutting.close()
    return cutting.passages


@dataclass
class _Cutting:
    """A document being cut, line by line."""

    title: str
    passages: list[Passage] = field(default_factory=list)
    _headings: list[tuple[int, str]] = field(default_factory=list)
    _article: str = ""
    _article_title: str = ""
    _page: int = 0
    _first_page: int = 0
    _lines: list[str] = field(default_factory=list)
    _anchors: Counter[str] = field(default_factory=Counter)

    def turn_to(self, page: int) -> None:
        """Begin a page. An article goes on over its end, any other passage does not."""
        if not self._article:
            self._flush()
        self._page = page

    def add(self, line: str) -> None:
        """Take a line."""
        plain = line.strip()
        if article := _ARTICLE_HEADING.fullmatch(plain) or _ARTICLE_LINE.fullmatch(plain):
            self._flush()
            self._article = article.group(1)
            self._article_title = (article.group(2) or "").strip()[:_TITLE_CHARACTERS_MAX]
            self._take(article.group(3).strip())
        elif len(plain) <= _HEADING_CHARACTERS_MAX and (heading := _HEADING.fullmatch(plain)):
            self._flush()
            self._article = self._article_title = ""
            level = len(heading.group(1))
            self._headings = [above for above in self._headings if above[0] < level]
            if heading.group(2) != self.title:
                self._headings.append((level, heading.group(2)))
        else:
            self._take(line)

    def close(self) -> None:
        """Take what is left as the last passage."""
        self._flush()

    def _take(self, line: str) -> None:
        if not self._lines:
            self._first_page = self._page
        self._lines.append(line)

    def _flush(self) -> None:
        text = "\n".join(self._lines).strip()
        self._lines = []
        if not text:
            return
        if self._article:
            self._add_article(text)
        else:
            for piece in _pieces(text):
                self._add(piece, anchor=str(len(self.passages) + 1), place=self._place())

    def _add_article(self, text: str) -> None:
        """Add an article whole, or, where it is long, its paragraphs one by one."""
        addenda = any(heading.startswith(_ADDENDA) for _, heading in self._headings)
        article = f"{_ADDENDA} {self._article}" if addenda else self._article
        parts = [("", text)] if len(text) <= PASSAGE_CHARACTERS else _paragraphs(text)
        for paragraph, part in parts:
            place = f"{article}{paragraph}"
            for piece in _pieces(part):
                self._add(piece, anchor=place.replace(" ", ""), place=place)

    def _add(self, text: str, *, anchor: str, place: str) -> None:
        named = f"{self._article} ({self._article_title})" if self._article_title else self._article
        headings = [heading for _, heading in self._headings]
        self.passages.append(
            Passage(
                anchor=self._own(anchor),
                citation=f"「{self.title}」 {place}".rstrip(),
                heading=" > ".join([*headings, *filter(None, [named])]),
                page=self._first_page,
                text=text,
            )
        )

    def _place(self) -> str:
        """Return what is cited where there is no article: the page, or the nearest heading."""
        if self._first_page:
            return f"{self._first_page}쪽"
        return self._headings[-1][1] if self._headings else ""

    def _own(self, anchor: str) -> str:
        """Return an anchor that no other passage has: the second of a kind ends in -2."""
        self._anchors[anchor] += 1
        return anchor if self._anchors[anchor] == 1 else f"{anchor}-{self._anchors[anchor]}"


def _paragraphs(article: str) -> list[tuple[str, str]]:
    """Return the numbered paragraphs of an article, each with how it is cited."""
    found: list[tuple[str, list[str]]] = [("", [])]
    for line in article.split("\n"):
        if sign := _PARAGRAPH_SIGN.match(line):
            found.append((f"제{int(unicodedata.numeric(sign.group(1)))}항", []))
        found[-1][1].append(line)
    texts = ((place, "\n".join(lines).strip()) for place, lines in found)
    return [(place, text) for place, text in texts if text]


def _pieces(text: str) -> Iterator[str]:
    """Yield a text in pieces of bounded length, cut between paragraphs, else lines, else words."""
    held = ""
    for separator, block in _blocks(text):
        if held and len(held) + len(separator) + len(block) > PASSAGE_CHARACTERS:
            yield held
            held = block
        else:
            held = f"{held}{separator}{block}" if held else block
    if held:
        yield held


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Yield parts that are short enough, with what stands before each of them."""
    for paragraph in re.split(r"\n{2,}", text):
        if len(paragraph) <= PASSAGE_CHARACTERS:
            yield "\n\n", paragraph
            continue
        before = "\n\n"
        for line in paragraph.split("\n"):
            for at, part in enumerate(_parts(line)):
                yield (before if at == 0 else " "), part
                before = "\n"


def _parts(line: str) -> list[str]:
    """Return a line in parts that are short enough, cut at spaces where there are any."""
    parts: list[str] = []
    start = 0
    while len(line) - start > PASSAGE_CHARACTERS:
        end = start + PASSAGE_CHARACTERS
        space = line.rfind(" ", start + PASSAGE_CHARACTERS // 2, end)
        end = space if space > 0 else end
        parts.append(line[start:end])
        start = end
    return [*parts, line[start:]]
