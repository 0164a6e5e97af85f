"""What a checkpoint has seen: from its manifest, the table of documents and the order of its run.

Nothing was written down while it trained. The order is a function, so "which steps saw document
D?" and "which documents did checkpoint N see?" are worked out when they are asked.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hunmin.errors import LedgerBroken, LedgerMissing
from hunmin.ledger.order import Order
from hunmin.manifest import LINEAGE_NAME, LedgerRecord, Manifest, ancestors, file_sha256


@dataclass(frozen=True, slots=True)
class Sighting:
    """One document in one run."""

    id: str
    source: str
    license: str
    consent: str
    """The id of the consent it is used under; empty where none is needed."""
    steps: tuple[int, ...]
    """The steps that learned from it, counted from 1. Every checkpoint from the first on saw it."""


class Ledger:
    """What one checkpoint's run has seen up to it; `open_ledgers` finds them."""

    def __init__(self, checkpoint: str, record: LedgerRecord, table: pa.Table) -> None:
        self.checkpoint = checkpoint
        """The name of the checkpoint, as `pretrain/step-001500`."""
        self.steps = record.steps
        self._learned = record.learned()
        self._order = Order(record.seed, record.samples, record.samples_per_step)
        self._table = table

    @classmethod
    def read(cls, checkpoint: str, record: LedgerRecord, path: Path) -> Self:
        """Read the table of a checkpoint's documents.

        Raises:
            LedgerBroken: It is no such table.
        """
        try:
            return cls(checkpoint, record, pq.read_table(path, memory_map=True))
        except (OSError, pa.ArrowInvalid) as error:
            raise LedgerBroken(path=path) from error

    def find(self, asked: Collection[str]) -> list[Sighting]:
        """Return the documents that are asked for and lie in the data, seen or not, by id.

        Args:
            asked: Ids of documents, with or without their source's name, or of consents.
        """
        names = sorted(set(asked) - {""})
        sources = self._table["source"].unique().to_pylist()
        ids = names + [f"{source}:{name}" for source in sources for name in names]
        asked_for = pc.field("id").isin(ids) | pc.field("consent").isin(names)
        return self._sightings(self._table.filter(asked_for))

    def seen(self) -> pa.Table:
        """Return every document the checkpoint has seen, with `times`: samples of it learned."""
        before_S = np.concatenate([[0], np.cumsum(self._times_learned())])
        first_D, samples_D = self._places()
        times_D = before_S[first_D + samples_D] - before_S[first_D]
        table = self._table.drop_columns(["first_sample", "samples"])
        table = table.append_column("times", pa.array(times_D))
        return table.filter(pa.array(times_D > 0))

    def of_step(self, step: int) -> pa.Table:
        """Return the documents that one step, counted from 1, learned from."""
        samples_B = np.unique(
            np.concatenate(
                [np.empty(0, np.int64)]
                + [
                    self._order.of_step(stretch.data_step + step - 1 - stretch.step)
                    for stretch in self._learned
                    if stretch.step < step <= stretch.step + stretch.steps
                ]
            )
        )
        first_D, samples_D = self._places()
        inside = np.searchsorted(samples_B, first_D) < np.searchsorted(
            samples_B, first_D + samples_D
        )
        return self._table.drop_columns(["first_sample", "samples"]).filter(pa.array(inside))

    def _places(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        return self._table["first_sample"].to_numpy(), self._table["samples"].to_numpy()

    def _times_learned(self) -> NDArray[np.int64]:
        """Return how often each sample was learned from, shape `(samples,)`."""
        times_S = np.zeros(self._order.samples, np.int64)
        for stretch in self._learned:
            times_S += self._order.times_seen(steps=stretch.data_step + stretch.steps)
            times_S -= self._order.times_seen(steps=stretch.data_step)
        return times_S

    def _steps_of(self, samples_N: NDArray[np.int64]) -> tuple[int, ...]:
        """Return the steps, counted from 1, that learned from any of the samples."""
        end = max((one.data_step + one.steps for one in self._learned), default=0)
        data_steps = self._order.steps_of(samples_N, steps=end)
        steps: list[int] = []
        for stretch in self._learned:
            first, last = np.searchsorted(
                data_steps, [stretch.data_step, stretch.data_step + stretch.steps]
            )
            steps += (data_steps[first:last] - stretch.data_step + stretch.step + 1).tolist()
        return tuple(sorted(steps))

    def _sightings(self, table: pa.Table) -> list[Sighting]:
        """Return documents, those that stand in the data several times once."""
        places: dict[str, list[NDArray[np.int64]]] = {}
        rights: dict[str, tuple[str, str, str]] = {}
        for row in table.to_pylist():
            first = row["first_sample"]
            places.setdefault(row["id"], []).append(np.arange(first, first + row["samples"]))
            rights[row["id"]] = (row["source"], row["license"], row["consent"] or "")
        return [
            Sighting(
                doc_id,
                *rights[doc_id],
                steps=self._steps_of(np.concatenate(places[doc_id])),
            )
            for doc_id in places
        ]


def open_ledgers(folder: Path, *, verify: bool = True) -> list[Ledger]:
    """Return the ledgers of every stage of training behind a finished folder, the last one first.

    Args:
        folder: A model, a checkpoint or an evaluation.
        verify: Whether to hash each table before it is believed.

    Raises:
        LedgerMissing: A checkpoint was made without a ledger, or the table is not there.
        LedgerBroken: A table is not what it was when it was written.
        ManifestMissing, ManifestBroken: The lineage does not hold.
    """
    own = Manifest.read(folder)
    chain = [own, *(manifest for _, manifest in ancestors(folder))]
    return [
        _open(folder, manifest, verify=verify)
        for manifest in chain
        if manifest.kind == "checkpoint"
    ]


def _open(folder: Path, manifest: Manifest, *, verify: bool) -> Ledger:
    record = manifest.ledger
    if record is None:
        raise LedgerMissing(folder=folder, checkpoint=manifest.name)
    path = folder / LINEAGE_NAME / f"{record.sha256}.parquet"
    if not path.is_file():
        raise LedgerMissing(folder=folder, checkpoint=manifest.name, table=path.name)
    if verify and file_sha256(path) != record.sha256:
        raise LedgerBroken(path=path)
    return Ledger.read(manifest.name, record, path)
