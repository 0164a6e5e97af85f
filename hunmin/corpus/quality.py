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
    """Characters in lines that came before."""
    duplicate_paragraphs_max: float = 0.5
    top_ngram_max: float = 0.2
    """Characters in the most frequent run of 2 to 4 eojeols."""
    duplicate_ngrams_max: float = 0.6
    """Eojeols inside a run of 10 that came before."""
    stop_words_min: int = 2
    """Of Korean: eojeols ending in common particles or endings. Of English: common words."""


_WORDLIKE = re.compile(r"[^\W_]+")
_BULLET = re.compile(r"^\s*(?:[-*•◦▪▶►·●○◆◇■□※☞➤✔✓]|\d{1,3}[.)])\s?")
_END = frozenset(".!?…。！？\"'”’」』)]};:〉》")
_KOREAN_END = re.compile(
    r"(?:[은는이가을를의에도로과와]|에서|으로|에게|까지|부터|하고|한다|된다|이다|있다|없다|했다|"
    r"였다|니다|세요|어요|아요|네요|지요|하는|되는|있는|하여|하며|하고|해서|지만|면서)[\W]*$"
)
_ENGLISH_WORDS = frozenset(("the", "be", "to", "of", "and", "that", "have", "with", "a", "in", "is"))
_LINES_JUDGED = 20
_TOP_NGRAM_EOJEOLS_MIN = 40


def judge(text: str, language: Language, config: QualityConfig) -> tuple[str, str] | None:
    """Return why a tidied text should be dropped, as reason and detail, or None to keep it."""
    words = text.split()
    wordlike = sum(map(len, _WORDLIKE.findall(text)))
    if wordlike < config.chars_min or len(words) < config.eojeols_min:
        return "too_short", f"{wordlike} letters in {len(words)} eojeols"
    solid = sum(map(len, words))
    if (share := text.count("\ufffd") / solid) > config.replacement_share_max:
        return "broken_characters", f"{share:.3f} of characters could not be read"
    if (share := wordlike / solid) < config.letters_share_min:
        return "symbols", f"{share:.2f} of characters are letters or digits"
    mean = solid / len(words)
    if not config.eojeol_chars_min <= mean <= config.eojeol_chars_max:
        return "word_length", f"{mean:.1f} characters in an eojeol"
    return (
        _judge_lines(text, config)
        or _judge_stop_words(words, language, config)
        or _judge_repetition(text, words, config)
    )


def _judge_lines(text: str, config: QualityConfig) -> tuple[str, str] | None:
    lines = [line for line in text.split("\n") if line.strip()]
    bullets = sum(1 for line in lines if _BULLET.match(line))
    if len(lines) > 1 and (share := bullets / len(lines)) > config.bullet_lines_max:
        return "bullet_lines", f"{share:.2f} of lines are list items"
    ellipses = sum(1 for line in lines if line.rstrip().endswith(("...", "…")))
    if (share := ellipses / len(lines)) > config.ellipsis_lines_max:
        return "ellipsis_lines", f"{share:.2f} of lines break off"
    if len(lines) >= _LINES_JUDGED:
        ended = sum(1 for line in lines if line.rstrip()[-1] in _END)
        if (share := ended / len(lines)) < config.punctuated_lines_min:
            return "line_punctuation", f"{share:.3f} of lines end in punctuation"
    for reason, parts, limit in (
        ("duplicate_lines", lines, config.duplicate_lines_max),
        ("duplicate_paragraphs", text.split("\n\n"), config.duplicate_paragraphs_max),
    ):
        repeated = sum(len(part) * (n - 1) for part, n in Counter(parts).items() if n > 1)
        if (share := repeated / len(text)) > limit:
            return reason, f"{share:.2f} of characters repeat"
    return None


def _judge_stop_words(
    words: list[str], language: Language, config: QualityConfig
) -> tuple[str, str] | None:
    if language == "other":
        return None
    found = 0
    for word in words[:2000]:
        if language == "ko":
            found += _KOREAN_END.search(word) is not None
        else:
            found += word.lower() in _ENGLISH_WORDS
        if found >= config.stop_words_min:
            return None
    return "stop_words", f"{found} common particles, endings or words"


def _judge_repetition(
    text: str, words: list[str], config: QualityConfig
) -> tuple[str, str] | None:
    if len(words) < _TOP_NGRAM_EOJEOLS_MIN:
        return None
    ids = word_ids(words)
    chars = np.fromiter(map(len, words), np.int64, len(words))
    for size in (2, 3, 4):
        hashes = ngram_hashes(ids, size)
        _, first, counts = np.unique(hashes, return_index=True, return_counts=True)
        top = int(counts.argmax())
        if counts[top] == 1:
            break
        covered = int(chars[first[top] : first[top] + size].sum() * counts[top])
        if (share := covered / len(text)) > config.top_ngram_max:
            return "top_ngram", f"{share:.2f} of characters are one run of {size} eojeols"
    hashes = ngram_hashes(ids, 10)
    _, first = np.unique(hashes, return_index=True)
    if len(first) < len(hashes):
        again = np.ones(len(hashes), bool)
        again[first] = False
        inside = np.zeros(len(words) + 1, np.int64)
        starts = np.flatnonzero(again)
        np.add.at(inside, starts, 1)
        np.add.at(inside, starts + 10, -1)
        share = float((inside.cumsum() > 0).mean())
        if share > config.duplicate_ngrams_max:
            return "duplicate_ngrams", f"{share:.2f} of eojeols are in repeated runs of 10"
    return None
