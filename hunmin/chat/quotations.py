"""The passages an answer is given: found for its question, as many as the model can take in."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from hunmin import documents
from hunmin.chat.views import SourceView
from hunmin.documents import PassageFound

PASSAGES_MAX = 5
"""Passages of one answer. They are shown under it, where nobody reads more."""

CONTEXT_PART = 3
"""Passages take a third of a model's context at most; the answer has another."""

EXCERPT_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Chosen:
    """A question with the passages before it that fit, and all that were found."""

    question: str
    sources: list[SourceView]


async def choose(
    question: str,
    found: Sequence[PassageFound],
    *,
    count: Callable[[str], Awaitable[int]],
    tokens_max: int,
    context_tokens: int,
) -> Chosen:
    """Put as many passages before a question as fit, the best first.

    One that is too long is passed over, never cut: half of an article may say the opposite. It
    still is a source, as one that the model did not read.

    Args:
        question: What was asked.
        found: What was found for it, the best first.
        count: Tokens that the prompt takes with a question, the conversation before it left out.
        tokens_max: What all of a prompt may take.
        context_tokens: How much the model takes in at once.
    """
    if not found:
        return Chosen(question, [])
    room = min(tokens_max, await count(question) + context_tokens // CONTEXT_PART)
    read: list[PassageFound] = []
    unread: list[PassageFound] = []
    for passage in found:
        fits = await count(documents.quoted(question, [*read, passage])) <= room
        (read if fits else unread).append(passage)
    numbered = [_view(passage, number) for number, passage in enumerate(read, start=1)]
    return Chosen(
        documents.quoted(question, read), [*numbered, *(_view(passage, None) for passage in unread)]
    )


def _view(passage: PassageFound, number: int | None) -> SourceView:
    text = passage.text
    return SourceView(
        number=number,
        file_id=passage.file_id,
        collection_id=passage.collection_id,
        address=passage.address,
        source=passage.source,
        citation=passage.citation,
        # Where a passage is cited by its page, the citation says it already.
        page=0 if passage.citation.endswith("쪽") else passage.page,
        excerpt=text
        if len(text) <= EXCERPT_CHARACTERS
        else text[: EXCERPT_CHARACTERS - 1].rstrip() + "…",
    )
