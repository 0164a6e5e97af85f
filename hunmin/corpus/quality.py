"""Quality rules for Korean text, after FineWeb2 and Gopher, each with its reason. Pure.

The thresholds are looser than those for web pages, since the sources are chosen and licensed
beforehand: statutes, tables and code must pass, spam and leftovers of page navigation must not.
A Korean word here is an eojeol, what stands between two spaces.

Source:
    Rae et al., "Scaling Language Models: Methods, Analysis & Insights from Training Gopher", 2021,
    table A1; Penedo et al., "FineWeb2: One Pipeline to Scale Them All", 2025.
"""

import re
from collections import Counter

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from hunmin.corpus.language import Language
from hunmin.corpus.ngrams import ngram_hashes, word_ids


class QualityConfig(BaseModel):
    """Thresholds. A text is dropped that is below a `min` or above a `max`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    chars_min: int = 50
    """Letters and digits, not counting spaces and signs."""
    eojeols_min: int = 10
    eojeol_chars_min: float = 1.5
    """Mean length of an eojeol; below it, the letters are spread out."""
    eojeol_chars_max: float = 18.0
    """Mean length; above it, the spaces are gone or it is data."""
    letters_share_min: float = 0.4
    """Letters and digits among all that is not a space."""
    replacement_share_max: float = 0.002
    """U+FFFD, which stands where bytes could not be read."""
    bullet_lines_max: float = 0.9
    ellipsis_lines_max: float = 0.4
    punctuated_lines_min: float = 0.01
    """Lines ending in punctuation, asked of texts of 20 lines and more."""
    duplicate_lines_max: float = 0.5
    """Characters in lines that came before. Forms and statutes repeat short lines."""
    duplicate_paragraphs_max: float = 0.374
    top_ngram_max: float = 0.2
    """Characters in the most frequent run of 2 to 4 eojeols."""
    duplicate_ngrams_max: float = 0.6
    """Eojeols inside a run of 10 that came before."""
    stop_words_min: int = 2
    """Of Korean: eojeols ending in common particles or endings. Of English: common words."""


_BULLET = re.compile(r"^\s*(?:[-*•◦▪▶►·●○◆◇■□※☞➤✔✓]|\d{1,3}[.)])\s?")
_END = frozenset(".!?…。！？\"'”’」』)]};:〉》")
_KOREAN_END = re.compile(
    r"(?:[은는이가을를의에도로과와]|에서|으로|에게|까지|부터|하고|한다|된다|이다|있다|없다|했다|"
    r"였다|니다|세요|어요|아요|네요|지요|하는|되는|있는|하여|하며|해서|지만|면서)\W*$"
)
_ENGLISH_WORDS = frozenset(
    ("the", "be", "to", "of", "and", "that", "have", "with", "a", "in", "is")
)
_LINES_JUDGED = 20
_TOP_NGRAM_EOJEOLS_MIN = 40
_TOP_NGRAMS = (2, 3, 4)
_LONG_NGRAM = 10
_STOP_WORDS_EOJEOLS = 2000

Verdict = tuple[str, str]
"""Why a text is dropped: a reason for counting, and a detail for people."""


def judge(text: str, words: str, language: Language, config: QualityConfig) -> Verdict | None:
    """Return why a text should be dropped, or None to keep it.

    Args:
        text: A tidied text.
        words: Its letters and digits alone, as `ngrams.comparable` gives them.
        language: What it is written in.
        config: Thresholds.
    """
    eojeols = text.split()
    letters = len(words) - words.count(" ")
    if letters < config.chars_min or len(eojeols) < config.eojeols_min:
        return "too_short", f"{letters} letters in {len(eojeols)} eojeols"
    solid = sum(map(len, eojeols))
    if (share := text.count("\ufffd") / solid) > config.replacement_share_max:
        return "broken_characters", f"{share:.3f} of characters could not be read"
    if (share := letters / solid) < config.letters_share_min:
        return "symbols", f"{share:.2f} of characters are letters or digits"
    mean = solid / len(eojeols)
    if not config.eojeol_chars_min <= mean <= config.eojeol_chars_max:
        return "word_length", f"{mean:.1f} characters in an eojeol"
    return (
        _judge_lines(text, config)
        or _judge_stop_words(eojeols, language, config)
        or _judge_repetition(text, eojeols, config)
    )


def _judge_lines(text: str, config: QualityConfig) -> Verdict | None:
    lines = [line for line in text.split("\n") if line and not line.isspace()]
    bullets = sum(1 for line in lines if _BULLET.match(line))
    if len(lines) > 1 and (share := bullets / len(lines)) > config.bullet_lines_max:
        return "bullet_lines", f"{share:.2f} of lines are list items"
    ellipses = sum(1 for line in lines if line.endswith(("...", "…")))
    if (share := ellipses / len(lines)) > config.ellipsis_lines_max:
        return "ellipsis_lines", f"{share:.2f} of lines break off"
    if len(lines) >= _LINES_JUDGED:
        ended = sum(1 for line in lines if line[-1] in _END)
        if (share := ended / len(lines)) < config.punctuated_lines_min:
            return "line_punctuation", f"{share:.3f} of lines end in punctuation"
    for reason, parts, limit in (
        ("duplicate_lines", lines, config.duplicate_lines_max),
        ("duplicate_paragraphs", text.split("\n\n"), config.duplicate_paragraphs_max),
    ):
        counts = Counter(parts)
        if len(counts) < len(parts):
            repeated = sum(len(part) * (n - 1) for part, n in counts.items() if n > 1)
            if (share := repeated / len(text)) > limit:
                return reason, f"{share:.2f} of characters repeat"
    return None


def _judge_stop_words(
    eojeols: list[str], language: Language, config: QualityConfig
) -> Verdict | None:
    if language == "other":
        return None
    found = 0
    for word in eojeols[:_STOP_WORDS_EOJEOLS]:
        if language == "ko":
            found += _KOREAN_END.search(word) is not None
        else:
            found += word.lower() in _ENGLISH_WORDS
        if found >= config.stop_words_min:
            return None
    return "stop_words", f"{found} common particles, endings or words"


def _judge_repetition(text: str, eojeols: list[str], config: QualityConfig) -> Verdict | None:
    if len(eojeols) < _TOP_NGRAM_EOJEOLS_MIN:
        return None
    counts = Counter(eojeols)
    chars = np.fromiter(map(len, eojeols), np.int64, len(eojeols))
    limit = config.top_ngram_max * len(text)
    # A run occurs at most as often as the commonest eojeol, so most texts need no counting.
    often = max(counts.values())
    ids: NDArray[np.uint64] | None = None
    for size in _TOP_NGRAMS:
        if often * int(_window_sums(chars, size).max()) <= limit:
            continue
        ids = word_ids(eojeols) if ids is None else ids
        hashes = ngram_hashes(ids, size)
        often, top = _commonest(hashes)
        if often == 1:
            break
        first = int((hashes == top).argmax())
        covered = int(chars[first : first + size].sum()) * often
        if covered > limit:
            share = covered / len(text)
            return "top_ngram", f"{share:.2f} of characters are one run of {size} eojeols"
    # What occurs once is in no repeated run.
    once = list(counts.values()).count(1)
    if (len(eojeols) - once) / len(eojeols) <= config.duplicate_ngrams_max:
        return None
    return _judge_long_runs(word_ids(eojeols) if ids is None else ids, config)


def _judge_long_runs(ids_N: NDArray[np.uint64], config: QualityConfig) -> Verdict | None:
    hashes = ngram_hashes(ids_N, _LONG_NGRAM)
    ordered = np.sort(hashes)
    if not (ordered[1:] == ordered[:-1]).any():
        return None
    _, first = np.unique(hashes, return_index=True)
    again = np.ones(len(hashes), bool)
    again[first] = False
    starts = np.flatnonzero(again)
    opened = np.zeros(len(ids_N) + 1, np.int64)
    np.add.at(opened, starts, 1)
    np.add.at(opened, starts + _LONG_NGRAM, -1)
    share = float((opened.cumsum() > 0)[:-1].mean())
    if share <= config.duplicate_ngrams_max:
        return None
    return "duplicate_ngrams", f"{share:.2f} of eojeols are in repeated runs of {_LONG_NGRAM}"


def _window_sums(values_N: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Return the sum of every `size` values in a row."""
    sums = np.concatenate(([0], values_N.cumsum()))
    return sums[size:] - sums[:-size]


def _commonest(hashes: NDArray[np.uint64]) -> tuple[int, np.uint64]:
    """Return how often the commonest value occurs, and the value."""
    ordered = np.sort(hashes)
    starts = np.flatnonzero(np.concatenate(([True], ordered[1:] != ordered[:-1])))
    counts = np.diff(np.append(starts, len(ordered)))
    best = int(counts.argmax())
    return int(counts[best]), ordered[starts[best]]
