"""A tokenizer report as plain text for the terminal. Pure."""

from collections.abc import Sequence
from pathlib import Path
from unicodedata import east_asian_width

from hunmin.model.fertility import TokenizerReport


def report_text(reports: Sequence[TokenizerReport]) -> str:
    """Return the tables of a report: each vocabulary, then its fertility beside the others'."""
    names = _short_names([report.tokenizer for report in reports])
    first = reports[0]
    parts = [
        _table(
            ["tokenizer", "vocabulary", "Hangul tokens", "unused"],
            [
                [name, f"{r.vocab_size:,}", f"{r.hangul_tokens:,}", f"{r.unused_share:.1%}"]
                for name, r in zip(names, reports, strict=True)
            ],
        ),
        _table(
            ["text", "MB", "bytes/token", "chars/token", "tokens/word", "partial"],
            [
                [
                    _label(row.group, row.name),
                    f"{row.text_bytes / 1e6:.2f}",
                    f"{row.bytes_per_token:.2f}",
                    f"{row.characters_per_token:.2f}",
                    f"{row.tokens_per_word:.2f}",
                    f"{row.partial_token_share:.1%}",
                ]
                for row in first.fertility
            ],
        ),
    ]
    if len(reports) > 1:
        rows = zip(*(report.fertility for report in reports), strict=True)
        parts.append(
            _table(
                ["bytes/token", *names],
                [
                    [_label(row[0].group, row[0].name), *(f"{r.bytes_per_token:.2f}" for r in row)]
                    for row in rows
                ],
            )
        )
    return "\n\n".join(parts)


def _label(group: str, name: str) -> str:
    return "all" if group == "all" else f"{group} {name}"


def _short_names(paths: list[str]) -> list[str]:
    """Return the shortest endings of the paths that still tell them apart."""
    parts = [Path(path).parts for path in paths]
    for length in range(1, max(map(len, parts)) + 1):
        short = ["/".join(part[-length:]) for part in parts]
        if len(set(short)) == len(set(paths)):
            return short
    return paths


def _table(head: list[str], rows: list[list[str]]) -> str:
    """Align a table: the first column left, numbers right; Hangul is two columns wide."""
    lines = [head, *rows]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            _pad(cell, width, left=not column)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _width(text: str) -> int:
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def _pad(text: str, width: int, *, left: bool) -> str:
    space = " " * (width - _width(text))
    return text + space if left else space + text
