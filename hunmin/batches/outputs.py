"""From the lines of a batch to its files: answers in one, what went wrong in another."""

from contextlib import closing

from hunmin.act import open_act
from hunmin.batches import actions, holding, queries, rules, store
from hunmin.batches.holding import Held
from hunmin.batches.store import Bytes
from hunmin.batches.tables import BatchRow, LineRow
from hunmin.db import Database
from hunmin.settings import Settings

TOGETHER_LINES = 200
"""Lines that are read in one transaction."""


def put_together(database: Database, settings: Settings, held: Held) -> None:
    """End a batch with its files. Begun anew it writes the same ones, under the same ids."""
    with open_act(database, held.actor) as act:
        batch = holding.finalize_batch(act, held)
    if batch is None:
        return
    assert batch.output_file_id is not None, "it was given its files"
    assert batch.error_file_id is not None, "it was given its files"
    blobs = store.open_store(settings)
    with (
        closing(Bytes(batch.output_file_id)) as output,
        closing(Bytes(batch.error_file_id)) as errors,
    ):
        _write(database, held, batch, output, errors)
        for file, name in ((output, "output"), (errors, "errors")):
            if file.size_bytes:
                with open_act(database, held.actor) as act:
                    brought = file.brought(f"{batch.id}_{name}.jsonl")
                    holding.note_output(act, batch, brought)
                file.put(blobs)
        with open_act(database, held.actor) as act:
            actions.end_batch(
                act, held, output=bool(output.size_bytes), errors=bool(errors.size_bytes)
            )


def _write(database: Database, held: Held, batch: BatchRow, output: Bytes, errors: Bytes) -> None:
    after = 0
    while True:
        with open_act(database, held.actor, read_only=True) as act:
            lines = queries.lines_of(act, held.id, after=after, limit=TOGETHER_LINES)
            for line in lines:
                _write_line(line, batch, output, errors)
                after = line.number
        if not lines:
            return


def _write_line(line: LineRow, batch: BatchRow, output: Bytes, errors: Bytes) -> None:
    if line.status is not None:
        told = rules.output_line(
            batch_id=batch.id,
            number=line.number,
            custom_id=line.custom_id,
            status=line.status,
            body=line.text,
        )
        (output if line.status < rules.SUCCESSES_BELOW else errors).write(told)
    elif batch.cancelling_at is None:
        expired = rules.unanswered_line(
            batch_id=batch.id,
            number=line.number,
            custom_id=line.custom_id,
            code="batch_expired",
        )
        errors.write(expired)
