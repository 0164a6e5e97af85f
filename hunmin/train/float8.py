"""The products of large linear layers in float8, with one scale for each tensor.

A linear layer makes three products: forward, and backward for its input and for its weight. Here
the operands of each are rounded to eight bits, divided by a scale that lets the largest number just
fit, and the device multiplies them at about twice the speed of bfloat16. Inputs and weights have
more digits (`e4m3`), gradients more range (`e5m2`). Scales are worked out anew each time, so there
is nothing to be kept in a checkpoint; weights and optimizers stay float32. Embedding, head, norms,
routers and small layers are left as they are, and what is only measured is measured in bfloat16.

Letters in tensor names: N tokens, I inputs, O outputs.

Source:
    Micikevicius et al., "FP8 Formats for Deep Learning", 2022; that so little code is enough, and
    the size from which it pays, are from Karpathy's nanochat, 2026.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from hunmin.errors import Float8Unfit
from hunmin.model import ModelConfig, Transformer, matmul_parameters
from hunmin.model.adapters import LINEAR_LAYERS
from hunmin.train.device import Device
from hunmin.train.recipe import TrainConfig

PARAMETERS_MIN = 700_000_000
"""In smaller models rounding and looking for the largest number take longer than the products gain.
Counted as `matmul_parameters` does."""

_CAPABILITY_MIN = (8, 9)
"""The first NVIDIA GPUs that multiply float8 are those of compute capability 8.9."""

_SIDE_MIN = 128
_MULTIPLE = 16
"""The products want sides that are multiples of this, the tokens among them."""

_FOR_VALUES = torch.float8_e4m3fn
_FOR_GRADIENTS = torch.float8_e5m2
_SMALLEST = 1e-12
"""A tensor of zeros is scaled as if this were its largest number."""


def check_float8(
    config: TrainConfig, model: ModelConfig, device: Device, *, tensor: int, forced: bool
) -> None:
    """Check that a stage can be trained in float8, if it shall be, and that it pays.

    Args:
        config: The stage.
        model: The shape of the model.
        device: What trains it.
        tensor: How many processes compute each sequence together.
        forced: Whether float8 is wanted even where it does not pay.

    Raises:
        Float8Unfit: It cannot, or does not pay; it says why.
    """
    if not device.float8:
        return
    for what, value, fits in (
        ("tensor", tensor, tensor == 1),
        # A preference stage compares with what a reference model, measured in bfloat16, thinks.
        ("stage", config.stage, config.stage in {"pretrain", "chat"}),
        ("lora_rank", config.lora_rank, not config.lora_rank),
        ("width", model.width, _fits(model.width)),
    ):
        if not fits:
            raise Float8Unfit(what=what, value=value, can_be_forced=False)
    if forced:
        return
    parameters = matmul_parameters(model)
    for what, value, fits in (
        ("device", device.name, _multiplies_float8(device)),
        ("compile", "no", device.compiled),
        # Their products, most of the work, stay in bfloat16.
        ("experts", model.experts, not model.experts),
        ("matmul_parameters", parameters, parameters >= PARAMETERS_MIN),
    ):
        if not fits:
            raise Float8Unfit(what=what, value=value, can_be_forced=True)


def _multiplies_float8(device: Device) -> bool:
    if device.device.type != "cuda":
        return False
    return torch.cuda.get_device_capability(device.device) >= _CAPABILITY_MIN


def _fits(*sides: int) -> bool:
    return all(side >= _SIDE_MIN and side % _MULTIPLE == 0 for side in sides)


def use_float8(model: Transformer) -> None:
    """Let the linear layers of a model's blocks that are large enough learn in float8."""
    for module in list(model.model.layers.modules()):
        for name, layer in list(module.named_children()):
            if name not in LINEAR_LAYERS or not isinstance(layer, nn.Linear):
                continue
            if _fits(layer.in_features, layer.out_features):
                setattr(module, name, Float8Linear(layer))


class Float8Linear(nn.Linear):
    """A linear layer that learns in float8, with the weight of an ordinary one."""

    def __init__(self, ordinary: nn.Linear) -> None:
        with torch.device("meta"):
            super().__init__(ordinary.in_features, ordinary.out_features, bias=False)
        self.weight = ordinary.weight

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 (as PyTorch calls it)
        """Return the product, in bfloat16; where nothing is learned, as an ordinary layer does."""
        if not torch.is_grad_enabled():
            return super().forward(input)
        x_NI = input.to(torch.bfloat16).flatten(0, -2)
        # Rows of zeros take no part in any scale, sum or gradient.
        tokens = len(x_NI)
        if missing := -tokens % _MULTIPLE:
            x_NI = functional.pad(x_NI, (0, 0, 0, missing))
        y_NO: Tensor = _Float8Product.apply(x_NI, self.weight)
        return y_NO[:tokens].view(*input.shape[:-1], self.out_features)


class _Float8Product(torch.autograd.Function):
    """`x_NI @ weight_OI.T`, and on the way back both gradients."""

    @staticmethod
    # pyrefly: ignore[bad-override] (this is how PyTorch wants it)
    def forward(ctx: Any, x_NI: Tensor, weight_OI: Tensor) -> Tensor:  # noqa: ANN401
        x_scale, weight_scale = _scale(x_NI, _FOR_VALUES), _scale(weight_OI, _FOR_VALUES)
        x8_NI = _scaled(x_NI, x_scale, _FOR_VALUES)
        weight8_OI = _scaled(weight_OI, weight_scale, _FOR_VALUES)
        # The weight and not its rounded copy: where weights are parted among processes, those of
        # other layers are not to be kept meanwhile.
        ctx.save_for_backward(x8_NI, x_scale, weight_OI, weight_scale)
        return _product(x8_NI, weight8_OI.T, x_scale, weight_scale, is_forward=True)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor]:  # noqa: ANN401
        x8_NI, x_scale, weight_OI, weight_scale = ctx.saved_tensors
        scale = _scale(gradients[0], _FOR_GRADIENTS)
        of_y8_NO = _scaled(gradients[0], scale, _FOR_GRADIENTS)
        weight8_OI = _scaled(weight_OI, weight_scale, _FOR_VALUES)
        of_x_NI = _product(of_y8_NO, _by_columns(weight8_OI), scale, weight_scale)
        of_weight_OI = _product(of_y8_NO.T.contiguous(), _by_columns(x8_NI), scale, x_scale)
        return of_x_NI, of_weight_OI.to(weight_OI.dtype)


def _scale(tensor: Tensor, number: torch.dtype) -> Tensor:
    """Return what 1 stands for in float8 so that the largest number of a tensor just fits."""
    return tensor.abs().amax().float().clamp(min=_SMALLEST) / torch.finfo(number).max


def _scaled(tensor: Tensor, scale: Tensor, number: torch.dtype) -> Tensor:
    """Return a tensor in float8, divided by its scale, row by row in memory."""
    largest = torch.finfo(number).max
    # What rounding carries above the largest number would become infinite.
    return (tensor.contiguous().float() / scale).clamp(-largest, largest).to(number)


def _by_columns(matrix: Tensor) -> Tensor:
    """Return a matrix that lies in memory column by column, as a second operand has to."""
    return matrix.T.contiguous().T


def _product(
    one8: Tensor, other8: Tensor, scale: Tensor, other_scale: Tensor, *, is_forward: bool = False
) -> Tensor:
    """Return the product of two matrices in float8, in bfloat16.

    Sums are added up less exactly, and faster, on the way forward alone.
    """
    return torch._scaled_mm(  # noqa: SLF001 (PyTorch has no other name for it)
        one8,
        other8,
        scale_a=scale,
        scale_b=other_scale,
        out_dtype=torch.bfloat16,
        use_fast_accum=is_forward,
    )
