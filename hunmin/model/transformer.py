"""The language model: a stock Qwen3 transformer in plain PyTorch, dense or a mixture of experts.

Parameter names and `config.json` are those of `Qwen3ForCausalLM` and `Qwen3MoeForCausalLM`, so a
checkpoint is read by transformers, vLLM, SGLang and llama.cpp unchanged. This file knows nothing
of text, files or training; it turns token ids into logits.

Letters in tensor names: B sequences, T positions, D model width, H query heads, K key and value
heads, E head width, V vocabulary.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from hunmin.model.attention_kernels import Documents, find_documents
from hunmin.model.attention_names import KernelName
from hunmin.model.experts import Experts
from hunmin.model.feed_forward import FeedForward


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelConfig:
    """The shape of a model."""

    vocab_size: int
    context_tokens: int
    layers: int
    width: int
    heads: int
    key_value_heads: int
    head_width: int
    feed_forward_width: int = 0
    """Of a dense model; one with experts has `expert_width` instead."""
    experts: int = 0
    """How many experts each layer has; 0, the default, for a dense model."""
    experts_per_token: int = 0
    """How many of them compute each token."""
    expert_width: int = 0
    """The feed-forward width of one expert."""
    tied_embeddings: bool = True
    """Whether the output head is the embedding table: right for small models."""
    rope_base: float = 10_000.0
    norm_epsilon: float = 1e-6

    def __post_init__(self) -> None:
        if self.heads % self.key_value_heads:
            raise ValueError("heads must be a multiple of key_value_heads")
        if self.head_width % 2:
            raise ValueError("head_width must be even")
        if self.experts:
            self._check_experts()
        elif self.experts_per_token or self.expert_width:
            raise ValueError("experts_per_token and expert_width need experts")
        elif self.feed_forward_width < 1:
            raise ValueError("feed_forward_width must be at least 1")

    def _check_experts(self) -> None:
        if self.feed_forward_width:
            raise ValueError("a model with experts has expert_width and no feed_forward_width")
        if self.experts < 0:
            raise ValueError("experts must not be negative")
        if not 1 <= self.experts_per_token <= self.experts:
            raise ValueError("experts_per_token must be at least 1 and at most experts")
        if self.expert_width < 1:
            raise ValueError("expert_width must be at least 1")


class RMSNorm(nn.Module):
    """Scale a vector to unit root mean square, then by a learned gain."""

    def __init__(self, width: int, epsilon: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.epsilon = epsilon

    def forward(self, x: Tensor) -> Tensor:
        """Return `x`, normalized over its last dimension."""
        return functional.rms_norm(x, self.weight.shape, self.weight.type_as(x), self.epsilon)


def rotary_tables(config: ModelConfig) -> tuple[Tensor, Tensor]:
    """Return cosines and sines of the rotary angles, each `(context_tokens, head_width)`, float32.

    Source:
        Su et al., "RoFormer: Enhanced Transformer with Rotary Position Embedding", 2021, eq. 15,
        in the half-split layout of Llama and Qwen.
    """
    half = torch.arange(0, config.head_width, 2, dtype=torch.float32) / config.head_width
    frequencies = 1.0 / (config.rope_base**half)
    angles_TE = torch.outer(torch.arange(config.context_tokens, dtype=torch.float32), frequencies)
    angles_TE = torch.cat((angles_TE, angles_TE), dim=-1)
    return angles_TE.cos(), angles_TE.sin()


def rotate(x_BHTE: Tensor, cos_TE: Tensor, sin_TE: Tensor) -> Tensor:
    """Turn each pair of halves of every head by its position's angle."""
    left, right = x_BHTE.chunk(2, dim=-1)
    return x_BHTE * cos_TE + torch.cat((-right, left), dim=-1) * sin_TE


class Attention(nn.Module):
    """Causal grouped-query attention with per-head normalization of queries and keys."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        query_width = config.heads * config.head_width
        key_value_width = config.key_value_heads * config.head_width
        self.head_width = config.head_width
        self.q_proj = nn.Linear(config.width, query_width, bias=False)
        self.k_proj = nn.Linear(config.width, key_value_width, bias=False)
        self.v_proj = nn.Linear(config.width, key_value_width, bias=False)
        self.o_proj = nn.Linear(query_width, config.width, bias=False)
        self.q_norm = RMSNorm(config.head_width, config.norm_epsilon)
        self.k_norm = RMSNorm(config.head_width, config.norm_epsilon)

    def forward(
        self, x_BTD: Tensor, cos_TE: Tensor, sin_TE: Tensor, documents: Documents
    ) -> Tensor:
        """Return what each position gathers from those it sees, `(B, T, D)`."""
        batch, length, _ = x_BTD.shape
        shape = (batch, length, -1, self.head_width)
        q_BHTE = self.q_norm(self.q_proj(x_BTD).view(shape)).transpose(1, 2)
        k_BKTE = self.k_norm(self.k_proj(x_BTD).view(shape)).transpose(1, 2)
        v_BKTE = self.v_proj(x_BTD).view(shape).transpose(1, 2)
        q_BHTE = rotate(q_BHTE, cos_TE, sin_TE).type_as(v_BKTE)
        k_BKTE = rotate(k_BKTE, cos_TE, sin_TE).type_as(v_BKTE)
        mixed_BHTE = documents.attend(q_BHTE, k_BKTE, v_BKTE)
        return self.o_proj(mixed_BHTE.transpose(1, 2).reshape(batch, length, -1))


class Block(nn.Module):
    """One layer: attention, then feed-forward, each on a normalized input and added back."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.self_attn = Attention(config)
        self.mlp = (
            Experts(
                config.width,
                experts=config.experts,
                experts_per_token=config.experts_per_token,
                width_each=config.expert_width,
            )
            if config.experts
            else FeedForward(config.width, config.feed_forward_width)
        )
        self.input_layernorm = RMSNorm(config.width, config.norm_epsilon)
        self.post_attention_layernorm = RMSNorm(config.width, config.norm_epsilon)

    def forward(
        self, x_BTD: Tensor, cos_TE: Tensor, sin_TE: Tensor, documents: Documents
    ) -> tuple[Tensor, Tensor | None]:
        """Return the stream after this layer, `(B, T, D)`, and the logits of its router.

        Those are of `(B * T, experts)`, and None in a dense model.
        """
        x_BTD = x_BTD + self.self_attn(self.input_layernorm(x_BTD), cos_TE, sin_TE, documents)
        normal_BTD = self.post_attention_layernorm(x_BTD)
        if isinstance(self.mlp, FeedForward):
            return x_BTD + self.mlp(normal_BTD), None
        added_BTD, router_logits = self.mlp(normal_BTD)
        return x_BTD + added_BTD, router_logits


class Decoder(nn.Module):
    """Embedding, layers and last norm: `model.…` in the parameter names."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.width)
        self.layers = nn.ModuleList(Block(config) for _ in range(config.layers))
        self.norm = RMSNorm(config.width, config.norm_epsilon)


class Transformer(nn.Module):
    """A decoder-only language model of the Qwen3 family."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.recomputes_layers = False
        """Whether a layer's inner results are forgotten and computed again on the way back."""
        self.attention: KernelName = "sdpa"
        """What computes the attention."""
        self.find_documents: Callable[[Tensor, Tensor | None], tuple[Tensor, Documents]] | None
        self.find_documents = None
        """Finds what tokens see, where a process has a part of each sequence only."""
        self.model = Decoder(config)
        self.lm_head = nn.Linear(config.width, config.vocab_size, bias=False)
        cos_TE, sin_TE = rotary_tables(config)
        self.register_buffer("cos_TE", cos_TE, persistent=False)
        self.register_buffer("sin_TE", sin_TE, persistent=False)
        self.tie_head()

    def materialize(self, device: torch.device) -> None:
        """Give a model made on the meta device memory on another; its weights are yet unset."""
        self.to_empty(device=device)
        self.tie_head()
        with torch.device("cpu"):
            cos_TE, sin_TE = rotary_tables(self.config)
        self.cos_TE.copy_(cos_TE)
        self.sin_TE.copy_(sin_TE)

    def tie_head(self) -> None:
        """Make the head the embedding table again, where it is to be and either was replaced."""
        if self.config.tied_embeddings:
            self.lm_head.weight = self.model.embed_tokens.weight

    def initialize(self, seed: int) -> None:
        """Set every weight as `draw_weights` has it."""
        with torch.no_grad():
            for name, weight in self.draw_weights(seed):
                self.get_parameter(name).copy_(weight)

    def draw_weights(self, seed: int) -> Iterator[tuple[str, Tensor]]:
        """Yield the weights at the start of training by name, one at a time, on the CPU.

        Gains are 1; all else is normal, 0.02 wide, outputs of a layer narrower by depth.
        """
        generator = torch.Generator().manual_seed(seed)
        narrow = 0.02 / (2 * self.config.layers) ** 0.5
        for name, parameter in self.named_parameters():
            if parameter.ndim == 1:
                yield name, torch.ones(parameter.shape)
                continue
            is_output = name.removesuffix(".weight").endswith(("o_proj", "down_proj"))
            wide = narrow if is_output else 0.02
            yield name, torch.randn(parameter.shape, generator=generator) * wide

    def hidden(self, ids_BT: Tensor, segments_BT: Tensor | None = None) -> Tensor:
        """Return the last hidden states, `(B, T, D)`.

        Args:
            ids_BT: Token ids, `(B, T)`, int64, T at most `context_tokens`.
            segments_BT: The number of the document each token belongs to, whose tokens stand
                together. A token attends only to its own document, and positions begin anew with
                each; without it the whole row is one document.
        """
        return self.hidden_and_routers(ids_BT, segments_BT)[0]

    def hidden_and_routers(
        self, ids_BT: Tensor, segments_BT: Tensor | None = None
    ) -> tuple[Tensor, list[Tensor]]:
        """Return `hidden`, and of each layer with experts its router's logits.

        Those are of `(B * T, experts)`; a dense model has none.
        """
        routers: list[Tensor] = []
        if self.find_documents is None:
            positions_BT, documents = find_documents(self.attention, ids_BT, segments_BT)
        else:
            positions_BT, documents = self.find_documents(ids_BT, segments_BT)
        cos_TE = self.cos_TE[positions_BT].unsqueeze(1)
        sin_TE = self.sin_TE[positions_BT].unsqueeze(1)
        x_BTD = self.model.embed_tokens(ids_BT)
        for block in self.model.layers:
            x_BTD, router_logits = self._through(block, x_BTD, cos_TE, sin_TE, documents)
            if router_logits is not None:
                routers.append(router_logits)
        return self.model.norm(x_BTD), routers

    def _through(
        self, block: nn.Module, *inputs: Tensor | Documents
    ) -> tuple[Tensor, Tensor | None]:
        """Return what a layer makes of its inputs, keeping only those where that is wanted."""
        if not self.recomputes_layers or not torch.is_grad_enabled():
            return block(*inputs)
        # Nothing in a layer is drawn by chance, so there is no state of a generator to keep.
        return checkpoint(block, *inputs, use_reentrant=False, preserve_rng_state=False)

    def forward(self, ids_BT: Tensor, segments_BT: Tensor | None = None) -> Tensor:
        """Return the logits of the next token at each position, `(B, T, V)`."""
        return self.lm_head(self.hidden(ids_BT, segments_BT))
