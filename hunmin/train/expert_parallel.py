"""Whole experts on processes of their own: expert parallel.

Of P neighboring processes each holds one P-th of each layer's experts, whole; all else is parted
among all. They have different sequences. In each layer tokens go to the processes of their experts,
and what these make of them comes back: one exchange there and one back, and the same for gradients.
No token is dropped, however many come to one process.

Letters in tensor names: S slots, one for each token of this process and each of its experts, by
expert; R slots that have come here; D model width, E experts, P processes, H experts on each.

Source:
    Lepikhin et al., "GShard: Scaling Giant Models with Conditional Computation", 2020.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Shard, distribute_tensor

from hunmin.errors import ExpertParallelUnfit
from hunmin.model import ModelConfig, Transformer
from hunmin.model.experts import Experts, ExpertStack, as_autocast, swiglu_of_each

Waiting = Callable[[], AbstractContextManager[object]]
"""What goes around an exchange with other processes."""


def check_expert_parallel(model: ModelConfig, *, expert_parallel: int, tensor: int) -> None:
    """Check that the experts of a model can lie whole on so many processes.

    Raises:
        ExpertParallelUnfit: They cannot; it says what is in the way.
    """
    if expert_parallel <= 1:
        return
    for what, value, fits in (
        ("experts", model.experts, model.experts > 0 and model.experts % expert_parallel == 0),
        ("tensor", tensor, tensor == 1),
    ):
        if not fits:
            raise ExpertParallelUnfit(expert_parallel=expert_parallel, what=what, value=value)


def part_experts(transformer: Transformer, mesh: DeviceMesh, waiting: Waiting) -> None:
    """Part the experts of a model without memory yet among the processes of a mesh, whole ones."""
    for layer in transformer.modules():
        if isinstance(layer, Experts):
            layer.experts = ExpertsApart(layer.experts, mesh, waiting)


class ExpertsApart(ExpertStack):
    """The experts of a layer, of which this process holds some; the others lie elsewhere."""

    def __init__(self, whole: ExpertStack, mesh: DeviceMesh, waiting: Waiting) -> None:
        experts, inner_width, width = whole.gate_proj.shape
        with torch.device("meta"):  # no memory for what is replaced
            super().__init__(experts, width, inner_width)
        for name, weight in whole.named_parameters():
            parted = distribute_tensor(weight, mesh, [Shard(0)], src_data_rank=None)
            # Beside adapters they are frozen, and stay so.
            apart = nn.Parameter(parted, requires_grad=weight.requires_grad)
            self.register_parameter(name, apart)
        self._processes = mesh.size()
        self._route = Route(mesh.get_group(), waiting)

    def forward(self, x_SD: Tensor, sizes_E: Tensor) -> Tensor:
        """Return each expert's output for its slots, wherever it lies, `(S, D)`."""
        sent_PH = sizes_E.view(self._processes, -1)
        came_PH = self._route.exchanged(sent_PH)
        sent, came = torch.stack((sent_PH.sum(dim=1), came_PH.sum(dim=1))).tolist()
        came_RD = _Exchange.apply(as_autocast(x_SD), sent, came, self._route)
        # They came by process, and by expert within; the experts here want them by expert.
        expert_PH = torch.arange(came_PH.shape[1], device=x_SD.device).expand_as(came_PH)
        expert_R = expert_PH.flatten().repeat_interleave(came_PH.flatten(), output_size=sum(came))
        order_R = expert_R.argsort(stable=True)
        outputs_RD = swiglu_of_each(
            came_RD[order_R],
            came_PH.sum(dim=0),
            self._here(self.gate_proj),
            self._here(self.up_proj),
            self._here(self.down_proj),
        )
        return _Exchange.apply(outputs_RD[order_R.argsort()], came, sent, self._route)

    def _here(self, weight: Tensor) -> Tensor:
        """Return the experts on this process."""
        assert isinstance(weight, DTensor)
        here = weight.to_local()
        if here.requires_grad:
            here.register_hook(self._share)
        return here

    def _share(self, gradient: Tensor) -> Tensor:
        """Return a gradient as `fully_shard` would have it.

        It takes the mean over the processes that have the same experts, and of other weights over P
        times as many; but experts learn from the tokens of all of them.
        """
        return gradient / self._processes


class Route:
    """The way between processes, each of which has something for every other."""

    def __init__(self, processes: dist.ProcessGroup, waiting: Waiting) -> None:
        self._processes = processes
        self._waiting = waiting

    def exchanged(
        self, sent: Tensor, counts: Sequence[int] | None = None, came: Sequence[int] | None = None
    ) -> Tensor:
        """Give every process its rows and return those that have come, by process.

        Args:
            sent: Rows, those for one process after those for the other.
            counts: How many are for each process; without it, equally many.
            came: How many will come from each.
        """
        length = len(sent) if came is None else sum(came)
        received = sent.new_empty(length, *sent.shape[1:])
        with self._waiting():
            dist.all_to_all_single(
                received,
                sent.contiguous(),
                None if came is None else list(came),
                None if counts is None else list(counts),
                group=self._processes,
            )
        return received


class _Exchange(torch.autograd.Function):
    """An exchange of rows whose gradients go the way back; either way counts as waiting."""

    @staticmethod
    def forward(  # pyrefly: ignore[bad-override]
        ctx: Any,  # noqa: ANN401 (PyTorch's own)
        rows_SD: Tensor,
        sent: list[int],
        came: list[int],
        route: Route,
    ) -> Tensor:
        """Return the rows that have come."""
        ctx.way_back = (came, sent)
        ctx.route = route
        return route.exchanged(rows_SD, sent, came)

    @staticmethod
    def backward(  # pyrefly: ignore[bad-override]
        ctx: Any,  # noqa: ANN401 (PyTorch's own)
        gradient_RD: Tensor,
    ) -> tuple[Tensor, None, None, None]:
        """Return the gradients of the rows that were sent."""
        return ctx.route.exchanged(gradient_RD, *ctx.way_back), None, None, None
