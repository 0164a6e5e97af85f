"""What happens to one document between reading and deduplication. Pure."""

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hunmin import privacy
from hunmin.corpus.config import CorpusConfig
from hunmin.corpus.contamination import Passages
from hunmin.corpus.language import identify
from hunmin.corpus.ngrams import comparable
from hunmin.corpus.quality import judge
from hunmin.corpus.sources import Source
from hunmin.corpus.tidy import tidy

ROLES = ("system", "user", "assistant")


@dataclass(slots=True)
class Cleaned:
    """A document after cleaning: kept with its text, or dropped with a reason."""

    text: str | None = None
    """Clean and masked; of a chat, a pair or a prompt, its messages as JSON."""
    reason: str | None = None
    detail: str | None = None
    key: bytes | None = None
    """Equal for texts with equal words."""
    shingled: str | None = None
    """The words near-duplicates are looked for in."""
    masked: str | None = None
    """Personal data masked, by kind, as JSON."""
    text_bytes: int = 0
    family: str | None = None
    """Of a preference pair or a prompt, the words of the prompt."""


def clean(text: str, *, source: Source, config: CorpusConfig, passages: Passages) -> Cleaned:
    """Clean, judge and mask one document."""
    if source.kind != "text":
        return _clean_messages(text, source=source, config=config, passages=passages)
    text = tidy(text, strip_empty_parentheses=source.strip_empty_parentheses)
    if not text.strip():
        return Cleaned(reason="empty", detail="no text is left")
    language = identify(text)
    if language not in config.languages:
        return Cleaned(reason="language", detail=f"written in {language}")
    masked, counts = _mask(text, config)
    words = comparable(masked)
    if source.quality and (verdict := judge(masked, words, language, config.quality)):
        return Cleaned(reason=verdict[0], detail=verdict[1])
    if (name := passages.hit(words)) is not None:
        return Cleaned(reason="contaminated", detail=f"holds {name}")
    beginning = words.split(" ", config.near_duplicates.eojeols_max)
    return Cleaned(
        text=masked,
        key=_key(words or masked),
        shingled=" ".join(beginning[: config.near_duplicates.eojeols_max]),
        masked=json.dumps(counts) if counts else None,
        text_bytes=len(masked.encode()),
    )


def _clean_messages(
    text: str, *, source: Source, config: CorpusConfig, passages: Passages
) -> Cleaned:
    """Clean a chat; or a prompt, and the answers that stand behind it."""
    reason, find_problem, answers = _MESSAGES[source.kind]
    messages = []
    counts: Counter[str] = Counter()
    found: Mapping[str, int] = {}
    for turn in json.loads(text):
        content = tidy(turn["content"], strip_empty_parentheses=source.strip_empty_parentheses)
        content, found = _mask(content.strip(), config)
        counts.update(found)
        messages.append({"role": turn["role"], "content": content})
    if (problem := find_problem(messages)) is not None:
        return Cleaned(reason=reason, detail=problem)
    if source.kind == "prompt" and found:  # in the last message, with which answers are compared
        return Cleaned(reason=reason, detail="the expected answer holds personal data")
    words = comparable(" ".join(turn["content"] for turn in messages))
    if (name := passages.hit(words)) is not None:
        return Cleaned(reason="contaminated", detail=f"holds {name}")
    whole = json.dumps(messages, ensure_ascii=False)
    spoken = "\n".join(turn["content"] for turn in messages)
    return Cleaned(
        text=whole,
        key=_key(f"{source.kind}\x1f" + "\x1e".join(turn["content"] for turn in messages)),
        masked=json.dumps(counts) if counts else None,
        text_bytes=len(spoken.encode()),
        family=comparable(" ".join(turn["content"] for turn in messages[:-answers]))
        if answers
        else None,
    )


def chat_problem(messages: list[dict[str, str]]) -> str | None:
    """Return why messages are no conversation to learn from, or None."""
    if any(turn["role"] not in ROLES for turn in messages):
        return "a role is not system, user or assistant"
    if any(not turn["content"] for turn in messages):
        return "a message is empty"
    spoken = messages[1:] if messages and messages[0]["role"] == "system" else messages
    expected = ["user", "assistant"] * (len(spoken) // 2)
    if not spoken or [turn["role"] for turn in spoken] != expected:
        return "user and assistant do not take turns up to an answer"
    return None


def pair_problem(messages: list[dict[str, str]]) -> str | None:
    """Return why a prompt, a chosen and a rejected answer are no pair to learn from, or None."""
    *prompt, chosen, rejected = messages
    if chosen == rejected:
        return "the chosen and the rejected answer are the same"
    return chat_problem([*prompt, chosen]) or chat_problem([*prompt, rejected])


def prompt_problem(messages: list[dict[str, str]]) -> str | None:
    """Return why messages are no prompt to answer, or None; the answer behind it may be empty."""
    *prompt, answer = messages
    return chat_problem([*prompt, {**answer, "content": answer["content"] or "any"}])


_MESSAGES: Mapping[str, tuple[str, Callable[[list[dict[str, str]]], str | None], int]] = {
    "chat": ("bad_chat", chat_problem, 0),
    "preference": ("bad_pair", pair_problem, 2),
    "prompt": ("bad_prompt", prompt_problem, 1),
}
"""Of sources that are not running text: why one is dropped, what finds it out, and how many answers
stand behind the prompt."""


def _mask(text: str, config: CorpusConfig) -> tuple[str, Mapping[str, int]]:
    if not config.mask_personal_data:
        return text, {}
    masked = privacy.mask(text)
    return masked.text, Counter[str](finding.kind for finding in masked.findings)


def _key(words: str) -> bytes:
    return hashlib.blake2b(words.encode("utf-8", "replace"), digest_size=16).digest()
