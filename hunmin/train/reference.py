"""What the reference model thinks of each answer: worked out once, kept, and known by its hashes.

`reference.f32` lies beside the token files of the pairs, two numbers for each. `reference.json`
names the base model and the tokens they were made from and, when all are there, their SHA-256.
Where any of these is another, they are not believed and made again; half done, they are gone on
with.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hunmin.manifest import file_sha256, manifest_sha256, verify_files
from hunmin.progress import bar
from hunmin.steps import sync, write_whole
from hunmin.train.preference import Pairs, PreferenceStepper
from hunmin.train.tokens import INFO_NAME, Sequences
from hunmin.train.world import World

VALUES_NAME = "reference.f32"
RECORD_NAME = "reference.json"

_PAIR_BYTES = 8
_KEPT_EVERY = 16
"""After so many passes through the model what they gave is written to the disk."""


def with_reference(
    sequences: Sequences, base: Path, stepper: PreferenceStepper, world: World, *, at_once: int
) -> Pairs:
    """Return pairs with the log-probabilities of their answers by the base model.

    The stepper's model must still have the base's weights. All processes must ask.

    Args:
        sequences: The pairs.
        base: The base model's checkpoint.
        stepper: Computes what is not known yet.
        world: The processes of the run; the first one reads and writes.
        at_once: Pairs that go through the model at once, on all processes together.

    Raises:
        ManifestBroken: The base model's files are not as they were written.
    """
    folder = sequences.documents.parent

    def known() -> NDArray[np.float32] | None:
        return _known(folder, base, at_once=at_once) if world.is_first else None

    found = world.gather(world.together(known))[0]
    assert found is not None, "the first process has read it"
    pairs = Pairs(
        ids_ST=sequences.ids_ST,
        learned_ST=sequences.learned_ST,
        segments_ST=None,
        documents=sequences.documents,
        info=sequences.info,
        reference_P2=np.zeros((len(sequences), 2), np.float32),
    )
    pairs.reference_P2[: len(found)] = found
    with bar("reference model", total=len(pairs), unit="pairs", visible=world.is_first) as shown:
        shown.start_at(len(found))
        kept = len(found)
        for first in range(len(found), len(pairs), at_once):
            rows_N = np.arange(first, min(first + at_once, len(pairs)))
            pairs.reference_P2[rows_N] = stepper.log_probabilities(pairs, rows_N)
            done = int(rows_N[-1]) + 1
            if done == len(pairs) or done - kept >= _KEPT_EVERY * at_once:
                new_N2 = pairs.reference_P2[kept:done]
                world.together(lambda new=new_N2: world.is_first and _keep(folder, new))
                kept = done
            shown.advance(len(rows_N))
    world.together(lambda: world.is_first and _seal(folder))
    return pairs


def reference_record(pairs: Sequences) -> dict[str, Any]:
    """Return what the reference was made from and its SHA-256, for the manifest."""
    return json.loads((pairs.documents.parent / RECORD_NAME).read_bytes())


def _known(folder: Path, base: Path, *, at_once: int) -> NDArray[np.float32]:
    """Return what an earlier run has worked out, `(pairs, 2)`, beginning anew where it must."""
    origin = {
        "base": manifest_sha256(base),
        "tokens": file_sha256(folder / INFO_NAME),
    }
    values, record = folder / VALUES_NAME, _read(folder / RECORD_NAME)
    if {name: record.get(name) for name in origin} == origin and values.is_file():
        is_half_done = record.get("sha256") is None
        if is_half_done:
            passes = values.stat().st_size // (_PAIR_BYTES * at_once)
            with values.open("r+b") as stream:
                stream.truncate(passes * at_once * _PAIR_BYTES)
        if is_half_done or record["sha256"] == file_sha256(values):
            return np.fromfile(values, np.float32).reshape(-1, 2)
    verify_files(base)
    values.unlink(missing_ok=True)
    write_whole(folder / RECORD_NAME, json.dumps({**origin, "sha256": None}).encode())
    values.touch()
    return np.empty((0, 2), np.float32)


def _read(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}


def _keep(folder: Path, values_N2: NDArray[np.float32]) -> None:
    """Append values, on the disk."""
    with (folder / VALUES_NAME).open("ab") as stream:
        stream.write(values_N2.tobytes())
    sync(folder / VALUES_NAME)


def _seal(folder: Path) -> None:
    """Write down that all values are there, unless that was done before."""
    record = _read(folder / RECORD_NAME)
    if record["sha256"] is None:
        record["sha256"] = file_sha256(folder / VALUES_NAME)
        write_whole(folder / RECORD_NAME, json.dumps(record).encode())
