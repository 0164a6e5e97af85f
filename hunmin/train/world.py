"""The processes that train one model together: who they are, and how they agree.

One process is a world too, and needs nothing of this: every function then answers at once. More
are started by `torchrun`, which tells each its place through the environment.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh

from hunmin.errors import LayoutUnfit, OtherProcessFailed

T = TypeVar("T")

_TRAINING_TIMEOUT = timedelta(hours=2)
"""How long one waits for another while training: longer than the watchdog, which tells more."""

_FILES_TIMEOUT = timedelta(days=1)
"""How long processes wait for one that tokenizes a corpus or writes a checkpoint."""


@dataclass(frozen=True, slots=True)
class World:
    """The place of this process among all of a run."""

    rank: int = 0
    """The number of this process, from 0."""
    size: int = 1
    """How many processes there are."""
    local_rank: int = 0
    """The number of this process on its machine; the number of its GPU."""
    mesh: DeviceMesh | None = None
    """The processes as `(replicas, shards, tensor)`, neighbors by rank along the last; replicas and
    tensor are left out where they would be 1. None where there is one process."""
    cpu_mesh: DeviceMesh | None = None
    """The same over the CPU, for tensors on their way to the disk."""
    sequence: dist.ProcessGroup | None = None
    """The processes that have parts of the same sequences, all of one replica and, where there is
    `tensor`, with the same part of every layer; None where each has whole sequences."""
    experts_mesh: DeviceMesh | None = None
    """The processes as `(replicas, shards, experts)`, neighbors by rank along the last, where those
    along it hold different experts. None where experts are parted like all other weights."""
    experts_cpu_mesh: DeviceMesh | None = None
    """The same over the CPU."""
    matrices: dist.ProcessGroup | None = None
    """The processes among whom this process's replica is parted; None for one process."""
    files: dist.ProcessGroup | None = None
    """Where processes wait for each other's files, apart from training."""
    waiting: Callable[[], AbstractContextManager[object]] = nullcontext
    """What goes around an exchange of training; `phases` tells waiting from work by it."""

    @property
    def is_first(self) -> bool:
        """Whether this is the process that writes what is written once."""
        return self.rank == 0

    @property
    def replicas(self) -> int:
        """How many whole copies of the model are trained side by side."""
        return _length(self.mesh, "replicas")

    @property
    def tensor(self) -> int:
        """How many processes compute each sequence together, each with a part of every layer."""
        return _length(self.mesh, "tensor")

    @property
    def context(self) -> int:
        """How many processes share each sequence, each with a part of its positions."""
        return 1 if self.sequence is None else self.sequence.size()

    @property
    def expert_parallel(self) -> int:
        """How many processes hold different experts, whole; 1 where experts are parted."""
        return _length(self.experts_mesh, "experts")

    @property
    def data_size(self) -> int:
        """How many parts the sequences of a step are shared out in."""
        return self.size // (self.context * self.tensor)

    @property
    def data_rank(self) -> int:
        """Which of those parts this process computes, from 0."""
        return self.rank // (self.context * self.tensor)

    @property
    def data_mesh(self) -> DeviceMesh | None:
        """The processes with the same part of every layer, as `(replicas, shards)`."""
        return None if self.mesh is None else _without_last(self.mesh, "tensor")

    @property
    def tensor_mesh(self) -> DeviceMesh | None:
        """The processes that compute the same sequences; None where each computes alone."""
        return None if self.mesh is None or self.tensor == 1 else self.mesh["tensor"]

    @property
    def experts_data_mesh(self) -> DeviceMesh | None:
        """The processes with the same experts, as `(replicas, shards)`; None where all have all."""
        return None if self.experts_mesh is None else _without_last(self.experts_mesh, "experts")

    def on_cpu(self, mesh: DeviceMesh) -> DeviceMesh:
        """Return the mesh over the CPU of one on which weights lie."""
        is_of_experts = "experts" in (mesh.mesh_dim_names or ())
        found = self.experts_cpu_mesh if is_of_experts else self.cpu_mesh
        assert found is not None, "weights lie on a mesh of this world"
        return found

    def for_another_thread(self) -> "World":
        """Return the same world with a group of its own to wait in; all processes must ask."""
        if self.files is None:
            return self
        return replace(self, files=_group_for_files())

    def sum(self, values: Sequence[float]) -> list[float]:
        """Return sums over all processes, the same on each, in float64."""
        if self.mesh is None:
            return list(values)
        device = self.mesh.device_type
        total = torch.tensor(values, dtype=torch.float64, device=device)
        with self.waiting():
            dist.all_reduce(total)
        return total.tolist()

    def numbers_of_all(self, values: Sequence[float]) -> list[list[float]]:
        """Return the numbers of every process, in order of rank; each gives equally many."""
        if self.mesh is None:
            return [list(values)]
        own = torch.tensor(values, dtype=torch.float64, device=self.mesh.device_type)
        found = [torch.empty_like(own) for _ in range(self.size)]
        dist.all_gather(found, own)
        return torch.stack(found).tolist()

    def total(self, tensor: Tensor) -> Tensor:
        """Return a tensor added up over all processes, the same on each; no gradient goes back."""
        total = tensor.detach().clone()
        if self.mesh is not None:
            with self.waiting():
                dist.all_reduce(total)
        return total

    def together(self, action: Callable[[], T]) -> T:
        """Do something on every process; where it fails on one, fail on all with its error.

        Raises:
            Exception: Here it failed so.
            OtherProcessFailed: It failed on another process.
        """
        if self.files is None:
            return action()
        result: T | None = None
        failure: Exception | None = None
        try:
            result = action()
        except Exception as error:  # noqa: BLE001 (it is raised again below, on every process)
            failure = error
        said: list[str | None] = [None] * self.size
        words = None if failure is None else f"{type(failure).__name__}: {failure}"
        dist.all_gather_object(said, words, group=self.files)
        if failure is not None:
            raise failure
        for rank, one in enumerate(said):
            if one is not None:
                raise OtherProcessFailed(rank=rank, reason=one)
        return result  # pyrefly: ignore[bad-return] (the action has returned it)

    def gather(self, value: T) -> list[T]:
        """Return what every process has, in order of rank; waits for all."""
        if self.files is None:
            return [value]
        found: list[T | None] = [None] * self.size
        dist.all_gather_object(found, value, group=self.files)
        return found  # pyrefly: ignore[bad-return] (each process has put its value)


@contextmanager
def join_world(
    *, replicas: int = 1, context: int = 1, tensor: int = 1, expert_parallel: int = 1
) -> Iterator[World]:
    """Join the other processes of a run, if `torchrun` has started any.

    Args:
        replicas: Whole copies of the model to train side by side, each parted among
            `size / replicas` processes. With several machines one copy a machine keeps most of
            the traffic inside it.
        context: Processes that share each sequence, each with a part of its positions: neighbors
            by rank too, and of one copy. Among them the model is parted as among any others.
        tensor: Processes that compute each sequence, or such a part of one, together. They talk
            many times a layer and are neighbors by rank, so they should be on one machine.
        expert_parallel: Processes each of which holds other experts, whole. They talk twice a layer
            and are neighbors, too. It goes with `tensor` 1 alone.

    Raises:
        LayoutUnfit: The processes cannot be divided so.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    sizes = {
        "replicas": replicas,
        "context": context,
        "tensor": tensor,
        "expert_parallel": expert_parallel,
    }
    products = (replicas * context * tensor, replicas * expert_parallel)
    if min(sizes.values()) < 1 or any(size % product for product in products):
        raise LayoutUnfit(processes=size, **sizes)
    if size == 1:
        yield World()
        return
    local_rank = int(os.environ["LOCAL_RANK"])
    has_gpu = torch.cuda.is_available()
    if has_gpu:
        torch.cuda.set_device(local_rank)
    backend = "cpu:gloo,cuda:nccl" if has_gpu else "gloo"
    dist.init_process_group(backend, timeout=_TRAINING_TIMEOUT)
    try:
        device = "cuda" if has_gpu else "cpu"
        sides = {"replicas": replicas, "shards": size // replicas // tensor, "tensor": tensor}
        mesh = _mesh(device, sides)
        replica = {"replicas": replicas, "shards": size // replicas}
        whole = mesh if tensor == 1 else _mesh(device, replica)
        apart = {**sides, "shards": sides["shards"] // expert_parallel, "experts": expert_parallel}
        experts_mesh = _mesh(device, apart) if expert_parallel > 1 else None
        yield World(
            rank=dist.get_rank(),
            size=size,
            local_rank=local_rank,
            mesh=mesh,
            cpu_mesh=_mesh("cpu", sides) if has_gpu else mesh,
            sequence=_processes_of_a_sequence(device, size, context=context, tensor=tensor),
            experts_mesh=experts_mesh,
            experts_cpu_mesh=_mesh("cpu", apart) if has_gpu and experts_mesh else experts_mesh,
            matrices=whole.get_group("shards"),
            files=_group_for_files(),
        )
    finally:
        dist.destroy_process_group()


def _mesh(device: str, sides: dict[str, int]) -> DeviceMesh:
    """Return processes laid out along sides of a length; all but shards need more than one."""
    names = tuple(name for name, length in sides.items() if length > 1 or name == "shards")
    return init_device_mesh(device, tuple(sides[name] for name in names), mesh_dim_names=names)


def _processes_of_a_sequence(
    device: str, size: int, *, context: int, tensor: int
) -> dist.ProcessGroup | None:
    """Return those with parts of this process's sequences: its neighbors, or every `tensor`-th."""
    if context == 1:
        return None
    lengths = (size // context // tensor, context, tensor)
    mesh = init_device_mesh(device, lengths, mesh_dim_names=("sequences", "context", "tensor"))
    return mesh.get_group("context")


def _length(mesh: DeviceMesh | None, side: str) -> int:
    """Return how many processes lie along one side of a mesh."""
    names = None if mesh is None else mesh.mesh_dim_names
    if mesh is None or names is None or side not in names:
        return 1
    return mesh.size(names.index(side))


def _without_last(mesh: DeviceMesh, side: str) -> DeviceMesh:
    """Return a mesh without its last side, if that is the one named."""
    names = mesh.mesh_dim_names or ()
    return mesh[names[:-1]] if names[-1:] == (side,) else mesh


def _group_for_files() -> dist.ProcessGroup:
    group = dist.new_group(backend="gloo", timeout=_FILES_TIMEOUT)
    assert isinstance(group, dist.ProcessGroup), "every process of the world is in it"
    return group
