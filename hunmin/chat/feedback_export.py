"""What people agreed may be used for training, as a folder that `hunmin corpus build` reads.

    pairs.jsonl    preference pairs, personal data masked, each with the id of its consent
    sources.toml   says what they are: the source of a corpus
    rights.jsonl   every consent that ended; `hunmin trace --withdrawn` tells who saw what of it

So the ledger of a model names the consents of what it learned, and each id is an event of the
audit log. Left out: what is not a pair, as a good answer alone.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from hunmin import privacy
from hunmin.act import Act
from hunmin.chat import feedback, training_queries
from hunmin.chat.training_queries import RatedPair
from hunmin.errors import OutputExists
from hunmin.progress import bar
from hunmin.steps import full_disk_said, only_one, sync

_PAIRS_AT_ONCE = 200

_SOURCES = """# Pairs of answers that people rated and agreed to have used for training.
# Exported {moment:%Y-%m-%d %H:%M} UTC. Export again before you build: consents end.

[[source]]
name = "feedback"
kind = "preference"
path = "pairs.jsonl"
license = "Own"
consent_column = "consent"
origin = "Feedback of people, under {consents} consents to notice {notices}"
"""

OpenAct = Callable[[], AbstractContextManager[Act]]


class Exported(NamedTuple):
    """What an export came to."""

    pairs: int
    masked: int
    """Pieces of personal data that labels stand for."""
    ended: int
    """Consents that ended, ever."""


def export_feedback(read: OpenAct, write: OpenAct, out: Path) -> Exported:
    """Write a new folder; it is there when it is whole, and not before.

    Args:
        read: Opens an act of the house that only reads.
        write: Opens one that leaves an event; it is left before anything can be read in `out`.
        out: The folder to be.

    Raises:
        OutputExists: It is there already.
        OutputBusy, OutputUnwritable, DiskFull: It cannot be made.
    """
    out = out.absolute()
    with full_disk_said(out), only_one(out):
        if out.exists():
            raise OutputExists(out=out)
        work = out.parent / f".{out.name}.partial"
        shutil.rmtree(work, ignore_errors=True)
        work.mkdir()
        exported, consents, notices = _write_pairs(read, work / "pairs.jsonl")
        with read() as act:
            ended = training_queries.ended_consents(act)
            sources = _sources(act.now, consents=len(consents), notices=notices)
        (work / "rights.jsonl").write_text(
            "".join(f"{json.dumps({'withdrawn': one})}\n" for one in ended), "utf-8"
        )
        (work / "sources.toml").write_text(sources, "utf-8")
        for path in (*work.iterdir(), work):
            sync(path)
        with write() as act:
            feedback.note_training_export(act, pairs=exported.pairs, consents=len(consents))
        work.rename(out)
        sync(out.parent)
    return exported._replace(ended=len(ended))


def _write_pairs(read: OpenAct, path: Path) -> tuple[Exported, set[str], set[int]]:
    """Write every pair; return how many, their consents and the notices these were given to."""
    pairs = masked = 0
    consents: set[str] = set()
    notices: set[int] = set()
    with read() as act:
        total = training_queries.count_pairs(act)
    with path.open("w", encoding="utf-8") as file, bar("feedback", total=total, unit="pairs") as b:
        for pair in _all_pairs(read):
            row, found = _row(pair)
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            pairs, masked = pairs + 1, masked + found
            consents.add(pair.consent_id)
            notices.add(pair.notice)
            b.advance()
    return Exported(pairs=pairs, masked=masked, ended=0), consents, notices


def _all_pairs(read: OpenAct) -> Iterator[RatedPair]:
    """Return every pair, read in acts of a moment each, so that nobody waits for it."""
    after: tuple[str, str] | None = None
    while True:
        with read() as act:
            some = training_queries.read_pairs(act, after=after, limit=_PAIRS_AT_ONCE)
        yield from some
        if len(some) < _PAIRS_AT_ONCE:
            return
        after = (some[-1].chosen_id, some[-1].rejected_id)


def _row(pair: RatedPair) -> tuple[dict[str, object], int]:
    """Return a pair as a row of a corpus's source, and how much in it was masked."""
    found = 0

    def shown(text: str) -> str:
        nonlocal found
        masked = privacy.mask(text)
        found += len(masked.findings)
        return masked.text

    row: dict[str, object] = {
        "id": f"{pair.chosen_id}-{pair.rejected_id}",
        "prompt": [{"role": role, "content": shown(text)} for role, text in pair.turns],
        "chosen": shown(pair.chosen),
        "rejected": shown(pair.rejected),
        "consent": pair.consent_id,
        "notice": pair.notice,
        "chosen_model": pair.chosen_model,
        "rejected_model": pair.rejected_model,
    }
    return row, found


def _sources(moment: datetime, *, consents: int, notices: set[int]) -> str:
    return _SOURCES.format(
        moment=moment,
        consents=consents,
        notices=", ".join(map(str, sorted(notices))) or "-",
    )
