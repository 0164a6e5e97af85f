"""A model whose every layer is computed by several processes together: tensor parallel.

Each process holds some heads of the attention, some columns of the feed-forward layer, and some
rows of the vocabulary, and computes its part of every product. Between layers and in the norms each
has some positions of every sequence instead (sequence parallel): these are gathered before products
and summed and parted again after them. This is PyTorch's own `parallelize_module` with the plan
usual for this kind of model; only the loss is ours (`head_loss`), so that no process ever holds the
logits of its rows for all tokens, nor of a token for all rows.

Letters in tensor names: B sequences, T positions, D model width.

Source:
    Shoeybi et al., "Megatron-LM", 2019; Korthikanti et al., "Reducing Activation Recomputation in
    Large Transformer Models", 2022 (sequence parallel).
"""

from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.tensor import DTensor, Partial, Replicate, Shard
from torch.distributed.tensor.parallel import (
    ColwiseParallel,
    PrepareModuleInput,
    RowwiseParallel,
    SequenceParallel,
    parallelize_module,
)

from hunmin.errors import TensorUnfit
from hunmin.model import ModelConfig, Transformer
from hunmin.train.recipe import TrainConfig


def check_tensor_size(config: TrainConfig, model: ModelConfig, *, tensor: int) -> None:
    """Check that so many processes can train a model together in a stage.

    Raises:
        TensorUnfit: They cannot; it says what is in the way.
    """
    if tensor == 1:
        return
    for what, value, fits in (
        ("stage", config.stage, config.stage in {"pretrain", "chat"}),
        ("lora_rank", config.lora_rank, not config.lora_rank),
        ("experts", model.experts, not model.experts),
        ("key_value_heads", model.key_value_heads, model.key_value_heads % tensor == 0),
        ("feed_forward_width", model.feed_forward_width, model.feed_forward_width % tensor == 0),
        ("vocab_size", model.vocab_size, model.vocab_size % tensor == 0),
        ("sequence_tokens", config.sequence_tokens, config.sequence_tokens % tensor == 0),
    ):
        if not fits:
            raise TensorUnfit(tensor=tensor, what=what, value=value)


def part_layers(transformer: Transformer, mesh: DeviceMesh) -> None:
    """Part a model without memory yet, so that the processes of a mesh compute it together."""
    whole, positions = Replicate(), Shard(1)  # of what is `(B, T, D)`
    for block in transformer.model.layers:
        parallelize_module(
            block,
            mesh,
            {
                "input_layernorm": SequenceParallel(),
                "self_attn": PrepareModuleInput(
                    input_layouts=(positions, None, None, None),
                    desired_input_layouts=(whole, None, None, None),
                ),
                "self_attn.q_proj": ColwiseParallel(),
                "self_attn.k_proj": ColwiseParallel(),
                "self_attn.v_proj": ColwiseParallel(),
                # Each process has other heads, `(B, T, H, E)`.
                "self_attn.q_norm": SequenceParallel(sequence_dim=2, use_local_output=True),
                "self_attn.k_norm": SequenceParallel(sequence_dim=2, use_local_output=True),
                "self_attn.o_proj": RowwiseParallel(output_layouts=positions),
                "post_attention_layernorm": SequenceParallel(),
                "mlp": PrepareModuleInput(
                    input_layouts=(positions,), desired_input_layouts=(whole,)
                ),
                "mlp.gate_proj": ColwiseParallel(),
                "mlp.up_proj": ColwiseParallel(),
                "mlp.down_proj": RowwiseParallel(output_layouts=positions),
            },
        )
    parallelize_module(
        transformer,
        mesh,
        {
            "model.embed_tokens": RowwiseParallel(input_layouts=whole, output_layouts=positions),
            "model.norm": SequenceParallel(),
            "lm_head": ColwiseParallel(),
        },
    )
    transformer.model.embed_tokens.register_forward_hook(_arrived)
    transformer.model.norm.register_forward_hook(_gathered)
    transformer.tie_head()


def _arrived(_: nn.Module, __: object, x_BTD: Tensor) -> Tensor:
    """Return an ordinary tensor in the place of one that is still on its way.

    A compiled layer takes either and computes the same, but would send a wrong gradient back
    through the latter (seen with PyTorch 2.13).
    """
    return x_BTD.clone()


def _gathered(_: nn.Module, __: object, hidden_BTD: DTensor) -> Tensor:
    """Return all positions; what comes back is from this process's part of the vocabulary."""
    whole_BTD = hidden_BTD.redistribute(placements=(Replicate(),))
    return whole_BTD.to_local(grad_placements=(Partial(),))
