"""The state of training as PyTorch's distributed checkpoint keeps it: read, never trusted.

`state/` of a checkpoint holds a file of tensors for each process that wrote it, and `.metadata`,
which says where each part of each tensor lies. That is a pickle, and a pickle can run anything; so
it is read by a reader that knows the few classes which belong there and refuses all others.
"""

import io
import pickle
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

import torch
from torch import Tensor
from torch.distributed import checkpoint as dcp
from torch.distributed.checkpoint.metadata import Metadata, StorageMeta, TensorStorageMetadata
from torch.distributed.checkpoint.planner import ReadItem

from hunmin.errors import CheckpointBroken
from hunmin.model.checkpoint import STATE_NAME

METADATA_NAME = ".metadata"
WEIGHT_KEY = "weights/"
"""What the names of weights begin with in the state; all else belongs to optimizers."""

_PART = re.compile(r"__\d+_\d+\.distcp")
"""The name of a file of tensors."""

_MODULES = (
    "torch.distributed.checkpoint.metadata",
    "torch.distributed.checkpoint.filesystem",
)
_NAMES = frozenset(
    {
        ("torch", "Size"),
        ("torch.serialization", "_get_layout"),
        ("torch", "device"),
        ("collections", "OrderedDict"),
    }
)
_PATH_MODULES = frozenset({"pathlib", "pathlib._local"})
_METADATA_NAMES = frozenset(
    {
        "BytesStorageMetadata",
        "ChunkStorageMetadata",
        "Metadata",
        "MetadataIndex",
        "StorageMeta",
        "TensorProperties",
        "TensorStorageMetadata",
        "_MEM_FORMAT_ENCODING",
        "_StorageInfo",
        "_StoragePrefix",
    }
)


class _MetadataUnpickler(pickle.Unpickler):
    """Reads a `.metadata` file and nothing that could do something."""

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401 (a class)
        """Return one of the classes that belong there.

        Raises:
            UnpicklingError: It is another.
        """
        if module in _PATH_MODULES and name in {"Path", "PosixPath"}:
            return PurePosixPath
        is_dtype = module == "torch" and isinstance(getattr(torch, name, None), torch.dtype)
        is_ours = module in _MODULES and name in _METADATA_NAMES
        if not (is_ours or is_dtype or (module, name) in _NAMES):
            raise pickle.UnpicklingError(f"{module}.{name} does not belong there")
        return super().find_class(module, name)


class StateReader(dcp.FileSystemReader):
    """PyTorch's reader, but for the metadata, which cannot run anything."""

    def read_metadata(self, *_args: object, **_kwargs: object) -> Metadata:
        """Return where each part of each tensor lies.

        Raises:
            CheckpointBroken: The file is missing, torn, or holds what does not belong there.
        """
        folder = Path(self.path)
        try:
            content = io.BytesIO((folder / METADATA_NAME).read_bytes())
            metadata = _only_tensors(_MetadataUnpickler(content).load())
        except Exception as error:  # garbage that is unpickled fails in any way
            reason = f"{METADATA_NAME}: {type(error).__name__}: {error}"
            raise CheckpointBroken(folder=folder, reason=reason) from error
        if metadata.storage_meta is None:
            metadata.storage_meta = StorageMeta()
        metadata.storage_meta.load_id = self.load_id
        return metadata


def _only_tensors(metadata: object) -> Metadata:
    """Return metadata that tell of tensors in files beside them and of nothing else.

    Whatever else is in a checkpoint would be unpickled by PyTorch, which trusts it.

    Raises:
        UnpicklingError: They tell of something else.
    """
    if not isinstance(metadata, Metadata):
        raise pickle.UnpicklingError("it is no metadata")
    for key, each in metadata.state_dict_metadata.items():
        if type(each) is not TensorStorageMetadata:
            raise pickle.UnpicklingError(f"{key} is no tensor")
    for place in (metadata.storage_data or {}).values():
        if not _PART.fullmatch(place.relative_path):
            raise pickle.UnpicklingError(f"{place.relative_path} does not belong there")
    return metadata


class TensorsOnly(dcp.DefaultLoadPlanner):
    """PyTorch's planner of a load, but that it unpickles nothing."""

    def load_bytes(self, read_item: ReadItem, value: io.BytesIO) -> None:
        """Refuse what is not a tensor.

        Raises:
            UnpicklingError: Always.
        """
        del value
        raise pickle.UnpicklingError(f"{read_item.storage_index.fqn} is no tensor")


@contextmanager
def one_process_is_enough() -> Iterator[None]:
    """Keep PyTorch from warning that one process writes or reads a distributed checkpoint."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.distributed is disabled, unavailable or")
        yield


def read_weights(folder: Path) -> dict[str, Tensor]:
    """Return the whole weights by name from the `state/` of a checkpoint, on the CPU.

    Raises:
        CheckpointBroken: It cannot be read.
    """
    reader = StateReader(folder / STATE_NAME)
    known = reader.read_metadata().state_dict_metadata
    tensors: dict[str, Any] = {
        key: torch.empty(each.size, dtype=each.properties.dtype)
        for key, each in known.items()
        if isinstance(each, TensorStorageMetadata) and key.startswith(WEIGHT_KEY)
    }
    try:
        with one_process_is_enough():
            dcp.load(tensors, storage_reader=reader, planner=TensorsOnly(), no_dist=True)
    except (OSError, RuntimeError, ValueError, dcp.CheckpointException) as error:
        raise CheckpointBroken(folder=folder, reason=f"{type(error).__name__}: {error}") from error
    return {key.removeprefix(WEIGHT_KEY): tensor for key, tensor in tensors.items()}
