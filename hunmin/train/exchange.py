"""The exchange between replicas: what one process of each, with the same part of the model, share.

It is made anew for every roster and thrown away when a replica is lost. It goes over the CPU by
gloo, on machines with GPUs too: gloo notices at once when another process is gone, waits no longer
than it is told to for one that hangs, and leaves nothing behind that would end the others.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from hunmin.train.meeting import Address

_BUCKET_ELEMENTS = 1 << 24
"""Numbers that are sent at once: 64 MiB of gradients."""


class ExchangeBroken(Exception):
    """Another replica is gone, or does not answer: the roster no longer holds."""


class Exchange:
    """One process's way to its likes; of one replica alone it has nobody to talk to."""

    def __init__(
        self, address: Address, name: str, *, rank: int, size: int, patience_seconds: float
    ) -> None:
        """Meet the others; all must.

        Args:
            address: Of the meeting whose table is used to find one another.
            name: One that no other exchange at this meeting has.
            rank: The place of this process, from 0.
            size: How many there are.
            patience_seconds: How long each exchange may take, unless it says otherwise.

        Raises:
            ExchangeBroken: One is missing.
        """
        self.rank, self.size = rank, size
        self._patience = timedelta(seconds=patience_seconds)
        self._group: Any = None  # a `ProcessGroupGloo`, of which PyTorch's types know too little
        if size == 1:
            return
        with _broken_where_it_fails():
            store = dist.PrefixStore(f"{name}/", address.connect())
            self._group = dist.ProcessGroupGloo(store, rank, size, self._patience)

    def add_up(self, parts: Sequence[Tensor], *, seconds: float | None = None) -> None:
        """Put into each tensor its sum over all, the same bits on each.

        Raises:
            ExchangeBroken: One is gone or late; what the tensors hold is worth nothing then.
        """
        if self._group is None:
            return
        for some in _buckets(parts):
            flat = torch.cat([part.flatten() for part in some]).cpu()
            options = dist.AllreduceOptions()
            options.timeout = self._within(seconds)
            with _broken_where_it_fails():
                self._group.allreduce([flat], options).wait()
            sizes = [part.numel() for part in some]
            for part, summed in zip(some, flat.split(sizes), strict=True):
                part.copy_(summed.view_as(part))

    def numbers_of_all(self, numbers: Sequence[int], *, seconds: float) -> list[list[int]]:
        """Return the numbers of every one, by rank; each gives equally many.

        Raises:
            ExchangeBroken: One is gone or late.
        """
        table = torch.zeros(self.size, len(numbers), dtype=torch.int64)
        table[self.rank] = torch.tensor(numbers)
        self.add_up([table], seconds=seconds)
        return table.tolist()

    def give(self, tensor: Tensor, *, giver: int, takes: bool) -> None:
        """Put the giver's tensor into those of all that take it, piece by piece.

        Raises:
            ExchangeBroken: One is gone or late.
        """
        if tensor.numel() == 0:  # of a weight too short for all processes to have some
            return
        for piece in tensor.detach().view(-1).split(_BUCKET_ELEMENTS):
            # Whoever takes nothing receives it beside, for its own may be in use as it is.
            sent = piece.to("cpu", copy=True) if self.rank == giver else _room_for(piece)
            self._broadcast(sent, giver, seconds=None)
            if takes:
                piece.copy_(sent)

    def give_words(self, words: object, *, giver: int, seconds: float) -> Any:  # noqa: ANN401
        """Return what the giver says, as plain JSON.

        Raises:
            ExchangeBroken: One is gone or late.
        """
        said = torch.frombuffer(bytearray(json.dumps(words).encode()), dtype=torch.uint8)
        length = torch.tensor([len(said)])
        self._broadcast(length, giver, seconds=seconds)
        if self.rank != giver:
            said = torch.empty(int(length), dtype=torch.uint8)
        self._broadcast(said, giver, seconds=None)
        return json.loads(bytes(said.tolist()))

    def close(self) -> None:
        """Leave; the others find out at once."""
        self._group = None

    def _broadcast(self, tensor: Tensor, giver: int, *, seconds: float | None) -> None:
        options = dist.BroadcastOptions()
        options.rootRank, options.timeout = giver, self._within(seconds)
        if self._group is not None:
            with _broken_where_it_fails():
                self._group.broadcast([tensor], options).wait()

    def _within(self, seconds: float | None) -> timedelta:
        return self._patience if seconds is None else timedelta(seconds=seconds)


@contextmanager
def _broken_where_it_fails() -> Iterator[None]:
    try:
        yield
    except RuntimeError as error:
        raise ExchangeBroken(str(error)) from error


def _room_for(tensor: Tensor) -> Tensor:
    return torch.empty(tensor.shape, dtype=tensor.dtype)


def _buckets(parts: Sequence[Tensor]) -> Iterator[list[Tensor]]:
    """Yield tensors of one type that are sent together, in order; empty ones are left out."""
    some: list[Tensor] = []
    for part in filter(Tensor.numel, parts):
        is_full = sum(one.numel() for one in some) + part.numel() > _BUCKET_ELEMENTS
        if some and (is_full or some[0].dtype != part.dtype):
            yield some
            some = []
        some.append(part)
    if some:
        yield some
