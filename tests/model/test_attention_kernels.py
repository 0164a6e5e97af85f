"""Every attention kernel gives what plain arithmetic gives, and keeps documents apart."""

import dataclasses

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch._dynamo.testing import CompileCounterWithBackend
from torch.nn import functional

from hunmin.model import ModelConfig, Transformer, attention_kernels, attention_tiles
from hunmin.model.attention_kernels import documents_of
from hunmin.model.segments import positions_of

SHAPE = ModelConfig(
    vocab_size=64,
    context_tokens=48,
    layers=2,
    width=32,
    heads=4,
    key_value_heads=2,
    head_width=16,
    feed_forward_width=48,
)

documents = st.lists(st.lists(st.integers(1, 20), min_size=1, max_size=6), min_size=1, max_size=3)
"""The lengths of the documents of each row; rows are cut to one length."""


def segments_of(lengths):
    """Return the segments of rows, `(B, T)`."""
    rows = [
        torch.repeat_interleave(torch.arange(len(row)), torch.tensor(row)).int() for row in lengths
    ]
    length = min(map(len, rows))
    return torch.stack([row[:length] for row in rows])


def layer(batch, length, *, learns=True):
    """Return queries, keys and values of one layer; two queries share keys and values."""
    chance = torch.Generator().manual_seed(length)
    return [
        torch.randn(batch, heads, length, 16, generator=chance).requires_grad_(learns)
        for heads in (4, 2, 2)
    ]


def went_through(kernel, segments, batch, length):
    """Return the output and the gradients."""
    inputs = layer(batch, length)
    ids = torch.zeros(batch, length, dtype=torch.int64)
    mixed = documents_of(kernel, ids, segments).attend(*inputs)
    return [mixed, *torch.autograd.grad(mixed.square().sum(), inputs)]


def one_by_one(query, key, value, starts, starts_of_keys, *longest, window_size):
    """Do what `varlen_attn` does, document by document; it needs a GPU itself."""
    assert window_size == (-1, 0)
    assert torch.equal(starts, starts_of_keys)
    assert longest[0] == longest[1] >= starts.diff().max()
    parts = [one.split(starts.diff().tolist()) for one in (query, key, value)]
    mixed = [
        functional.scaled_dot_product_attention(
            *(one.transpose(0, 1) for one in qkv), is_causal=True
        )
        for qkv in zip(*parts, strict=True)
    ]
    return torch.cat([one.transpose(0, 1) for one in mixed])


@pytest.mark.parametrize("kernel", ["sdpa", "flash", "varlen", "tiles"])
@given(lengths=documents)
@settings(max_examples=12)
def test_a_kernel_gives_what_plain_arithmetic_gives_and_so_do_its_gradients(kernel, lengths):
    segments = segments_of(lengths)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(attention_kernels, "_varlen_attn", lambda: one_by_one)
        patch.setattr(attention_kernels, "_compiled", lambda function: function)
        patch.setattr(attention_tiles, "TILE_TOKENS", 16)
        for apart in (segments, None):
            found = went_through(kernel, apart, *segments.shape)
            right = went_through("math", apart, *segments.shape)

            torch.testing.assert_close(found, right, atol=1e-5, rtol=1e-4)


@pytest.mark.filterwarnings("ignore:.*called without torch.compile")  # quicker for so little
def test_blocks_are_computed_as_plain_arithmetic_is(monkeypatch):
    monkeypatch.setattr(attention_kernels, "_compiled", lambda function: function)
    segments = segments_of([[200], [150, 50], [1, 1, 130, 68]])
    inputs = layer(*segments.shape, learns=False)
    ids = torch.zeros(segments.shape, dtype=torch.int64)

    for apart in (segments, None):
        found, right = (documents_of(one, ids, apart).attend(*inputs) for one in ("flex", "math"))

        torch.testing.assert_close(found, right, atol=1e-5, rtol=1e-4)


@given(lengths=documents)
def test_positions_begin_anew_with_each_document(lengths):
    segments = segments_of(lengths)

    wanted = [torch.cat([torch.arange(one) for one in row])[: segments.shape[1]] for row in lengths]
    assert torch.equal(positions_of(segments), torch.stack(wanted))


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # the compiler looks, and may
@pytest.mark.parametrize("kernel", ["flash", "tiles"])
def test_a_compiled_layer_serves_every_batch_however_its_documents_lie(kernel, monkeypatch):
    monkeypatch.setattr(attention_tiles, "TILE_TOKENS", 16)
    shape = dataclasses.replace(SHAPE, layers=1)
    model, compiled = (Transformer(shape) for _ in range(2))
    for one in (model, compiled):
        one.initialize(5)
        one.attention = kernel
    counter = CompileCounterWithBackend("aot_eager")
    for block in compiled.model.layers:
        block.compile(backend=counter, fullgraph=True)
    ids = torch.randint(0, 64, (2, 40), generator=torch.manual_seed(1))

    for lengths in ([[9, 31], [40]], [[40], [1, 39]], [[13, 13, 14], [20, 20]]):
        segments = segments_of(lengths)
        found = compiled(ids, segments)
        found.sum().backward()  # in tiles it computes them again on the way
        torch.testing.assert_close(found, model(ids, segments))

    assert counter.frame_count == 1


def test_a_model_gives_the_same_logits_with_another_kernel():
    model = Transformer(dataclasses.replace(SHAPE, layers=1))
    model.initialize(2)
    ids = torch.randint(0, 64, (2, 40), generator=torch.manual_seed(2))
    segments = segments_of([[9, 31], [40]])

    with torch.no_grad():
        usual = model(ids, segments)
        model.attention = "math"

        torch.testing.assert_close(model(ids, segments), usual, atol=1e-5, rtol=1e-4)
