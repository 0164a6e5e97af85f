"""How large a shape is and what computing a token of it costs; no weight is made for that."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hunmin.model.transformer import ModelConfig


def total_parameters(config: "ModelConfig") -> int:
    """Return every parameter, tied ones once and every expert."""
    attention = 2 * config.width * config.head_width * (config.heads + config.key_value_heads)
    gains = 2 * config.width + 2 * config.head_width
    feed_forward = 3 * config.width * config.feed_forward_width
    if config.experts:
        feed_forward = config.experts * config.width * (3 * config.expert_width + 1)
    tables = 1 if config.tied_embeddings else 2
    layers = config.layers * (attention + gains + feed_forward)
    return layers + tables * config.vocab_size * config.width + config.width


def matmul_parameters(config: "ModelConfig") -> int:
    """Return the parameters that take part in a matrix product for each token.

    The head counts and the embedding, which is looked up, does not. Of experts, those are the
    router and as many as compute one token.
    """
    attention = 2 * config.width * config.head_width * (config.heads + config.key_value_heads)
    feed_forward = 3 * config.width * config.feed_forward_width
    if config.experts:
        active_width = config.experts_per_token * config.expert_width
        feed_forward = 3 * config.width * active_width + config.width * config.experts
    return config.layers * (attention + feed_forward) + config.vocab_size * config.width


def flops_per_token(config: "ModelConfig", sequence_tokens: int) -> int:
    """Return training FLOPs (forward and backward) for one token of a sequence so long.

    Attention is counted as if every position saw the whole sequence, as is usual.

    Source:
        Chowdhery et al., "PaLM", 2022, appendix B: 6 N + 12 L H E T.
    """
    attention = 12 * config.layers * config.heads * config.head_width * sequence_tokens
    return 6 * matmul_parameters(config) + attention
