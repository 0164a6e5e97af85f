"""The metadata of a distributed checkpoint cannot run anything, whoever made it."""

import os
import pickle

import pytest
import torch
from torch.distributed import checkpoint as dcp

from hunmin.errors import CheckpointBroken
from hunmin.model.sharded import METADATA_NAME, StateReader, one_process_is_enough, read_weights


@pytest.fixture
def checkpoint(tmp_path):
    """Give a folder with a `state/` that PyTorch wrote."""
    tensors = {
        "weights/a": torch.arange(12.0).reshape(3, 4),
        "weights/b": torch.ones(5, dtype=torch.bfloat16),
        "optimizer/a/step": torch.tensor(3.0),
    }
    with one_process_is_enough():
        writer = dcp.FileSystemWriter(tmp_path / "state")
        dcp.save(tensors, storage_writer=writer, no_dist=True)
    return tmp_path


def test_weights_are_read_and_nothing_else(checkpoint):
    weights = read_weights(checkpoint)

    assert weights.keys() == {"a", "b"}
    assert torch.equal(weights["a"], torch.arange(12.0).reshape(3, 4))
    assert weights["b"].dtype == torch.bfloat16


class Evil:
    """Runs a command when it is unpickled."""

    def __init__(self, mark):
        self.mark = mark

    def __reduce__(self):
        return os.system, (f"touch {self.mark}",)


def test_metadata_that_would_run_something_is_refused(checkpoint, tmp_path):
    mark = tmp_path / "ran"
    (checkpoint / "state" / METADATA_NAME).write_bytes(pickle.dumps(Evil(mark)))

    with pytest.raises(CheckpointBroken, match="does not belong there"):
        read_weights(checkpoint)

    assert not mark.exists()


def test_a_tensor_that_is_none_but_a_pickle_is_refused_by_name(checkpoint, tmp_path):
    """PyTorch would read it with `torch.load(weights_only=False)`."""
    mark = tmp_path / "ran"
    evil = checkpoint / "evil"
    with one_process_is_enough():
        writer = dcp.FileSystemWriter(evil / "state")
        dcp.save({"weights/a": Evil(mark)}, storage_writer=writer, no_dist=True)
    mark.unlink(missing_ok=True)

    with pytest.raises(CheckpointBroken, match="weights/a is no tensor"):
        StateReader(evil / "state").read_metadata()
    with pytest.raises(CheckpointBroken):
        read_weights(evil)

    assert not mark.exists()


def test_parts_that_lie_elsewhere_are_refused(checkpoint):
    path = checkpoint / "state" / METADATA_NAME
    part = next((checkpoint / "state").glob("__0_*")).name.encode()
    path.write_bytes(path.read_bytes().replace(part, b"../" + part[3:]))

    with pytest.raises(CheckpointBroken, match="does not belong there"):
        read_weights(checkpoint)


@pytest.mark.parametrize("content", [b"", b"\x80\x04N.", b"garbage", pickle.dumps({"a": 1})])
def test_metadata_that_is_none_is_refused(checkpoint, content):
    (checkpoint / "state" / METADATA_NAME).write_bytes(content)

    with pytest.raises(CheckpointBroken):
        StateReader(checkpoint / "state").read_metadata()


@pytest.mark.parametrize("damage", ["cut", "gone", "garbage"])
def test_a_part_that_is_torn_or_gone_is_refused(checkpoint, damage):
    part = next((checkpoint / "state").glob("__0_*"))
    if damage == "gone":
        part.unlink()
    else:
        part.write_bytes(part.read_bytes()[:100] if damage == "cut" else b"garbage" * 999)

    with pytest.raises(CheckpointBroken):
        read_weights(checkpoint)
