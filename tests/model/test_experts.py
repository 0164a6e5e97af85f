"""A mixture of experts is Qwen3Moe: the same logits as transformers', and no token dropped."""

import dataclasses
import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import silu

from hunmin.errors import CheckpointBroken
from hunmin.model import ModelConfig, Transformer, load_checkpoint, save_model
from hunmin.model import grouped_product as grouped_product_file
from hunmin.model.experts import Experts, choose_experts
from hunmin.model.grouped_product import grouped_product

SHAPE = ModelConfig(
    vocab_size=512,
    context_tokens=64,
    layers=3,
    width=48,
    heads=6,
    key_value_heads=2,
    head_width=16,
    experts=8,
    experts_per_token=3,
    expert_width=24,
)


def a_model(shape: ModelConfig = SHAPE) -> Transformer:
    model = Transformer(shape)
    model.initialize(7)
    generator = torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():  # gains too, so that none is the identity
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return model.eval()


@pytest.mark.parametrize(
    "change", [{}, {"tied_embeddings": False}, {"experts": 1, "experts_per_token": 1}]
)
def test_transformers_computes_the_same_logits_from_our_files(tmp_path, change):
    from transformers import AutoModelForCausalLM

    model = a_model(dataclasses.replace(SHAPE, **change))
    save_model(model, tmp_path, eos_id=0, pad_id=3, dtype=torch.float32)
    theirs, loading = AutoModelForCausalLM.from_pretrained(
        tmp_path, dtype=torch.float32, output_loading_info=True
    )
    ids_BT = torch.randint(0, 512, (3, 64), generator=torch.manual_seed(2))

    with torch.no_grad():
        logits_BTV = model(ids_BT)
        difference = (logits_BTV - theirs(ids_BT).logits).abs().max()

    assert type(theirs).__name__ == "Qwen3MoeForCausalLM"
    assert not any(loading.values()), loading
    assert logits_BTV.abs().max() > 0.5
    assert difference < 1e-4


def test_what_was_saved_is_loaded_bit_for_bit(tmp_path):
    model = a_model()
    save_model(model, tmp_path, eos_id=0, pad_id=3, dtype=torch.float32)

    loaded = load_checkpoint(tmp_path)

    assert loaded.config == model.config
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name])


def test_what_transformers_has_saved_is_read_as_well(tmp_path):
    from transformers import AutoModelForCausalLM

    model = a_model()
    (tmp_path / "ours").mkdir()
    save_model(model, tmp_path / "ours", eos_id=0, pad_id=3, dtype=torch.float32)
    AutoModelForCausalLM.from_pretrained(tmp_path / "ours").save_pretrained(tmp_path / "theirs")

    loaded = load_checkpoint(tmp_path / "theirs")

    assert loaded.config == model.config
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name])


def one_by_one(layer, x_ND):
    """Return what a layer of experts gives, computed for one token after the other."""
    _, weights_NK, chosen_NK = choose_experts(layer.gate(x_ND), layer.experts_per_token)
    mixed = []
    for x_D, weights_K, chosen_K in zip(x_ND, weights_NK, chosen_NK, strict=True):
        assert len(set(chosen_K.tolist())) == layer.experts_per_token
        each = [
            layer.experts.down_proj[one]
            @ (silu(layer.experts.gate_proj[one] @ x_D) * (layer.experts.up_proj[one] @ x_D))
            for one in chosen_K.tolist()
        ]
        mixed.append(weights_K @ torch.stack(each))
    return torch.stack(mixed)


def gradients_of(layer, output):
    layer.zero_grad(set_to_none=True)
    output.square().sum().backward()
    return {name: weight.grad for name, weight in layer.named_parameters()}


@settings(deadline=None, max_examples=40)
@given(
    tokens=st.integers(1, 20),
    experts=st.integers(1, 7),
    share=st.floats(0, 1),
    widths=st.tuples(st.sampled_from([6, 8]), st.sampled_from([4, 5])),
    crowded=st.booleans(),
    seed=st.integers(0, 2**31),
)
def test_each_token_gets_its_own_experts_by_weight_however_uneven_the_choice(
    tokens, experts, share, widths, crowded, seed
):
    """With and without the kernel for grouped products, which rows of some widths have not."""
    torch.manual_seed(seed)
    count = 1 + round(share * (experts - 1))
    width, inner_width = widths
    layer = Experts(width, experts=experts, experts_per_token=count, width_each=inner_width)
    for weight in layer.parameters():
        torch.nn.init.normal_(weight, std=0.5)
    x_ND = torch.randn(tokens, width)
    if crowded:  # every token likes the first experts best
        x_ND = x_ND.abs()
        with torch.no_grad():
            layer.gate.weight.copy_(torch.arange(experts, 0, -1)[:, None].expand(-1, width))

    mixed_ND = layer(x_ND[None])[0][0]
    expected_ND = one_by_one(layer, x_ND)

    torch.testing.assert_close(mixed_ND, expected_ND, atol=1e-5, rtol=1e-4)
    found = gradients_of(layer, mixed_ND)
    torch.testing.assert_close(found, gradients_of(layer, expected_ND), atol=1e-4, rtol=1e-3)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_kernel_and_products_one_by_one_give_the_same(dtype, monkeypatch):
    torch.manual_seed(1)
    sizes_G = torch.tensor([0, 5, 0, 11, 1, 0])
    x_SI = torch.randn(17, 24, dtype=dtype, requires_grad=True)
    weights_GOI = torch.randn(6, 16, 24, dtype=dtype, requires_grad=True)
    assert grouped_product_file.has_kernel(x_SI, weights_GOI)

    def found():
        product_SO = grouped_product_file.grouped_product(x_SI, weights_GOI, sizes_G)
        return product_SO, *torch.autograd.grad(product_SO.square().sum(), (x_SI, weights_GOI))

    by_kernel = found()
    monkeypatch.setattr(grouped_product_file, "has_kernel", lambda *_: False)

    torch.testing.assert_close(by_kernel, found())
    assert not by_kernel[2][[0, 2, 5]].any()


def test_without_any_row_every_matrix_has_a_gradient_of_zero():
    weights_GOI = torch.ones(3, 8, 16, requires_grad=True)

    product_SO = grouped_product(torch.ones(0, 16), weights_GOI, torch.zeros(3, dtype=torch.int64))
    product_SO.sum().backward()

    assert product_SO.shape == (0, 8)
    assert torch.equal(weights_GOI.grad, torch.zeros(3, 8, 16))


def test_every_expert_has_a_gradient_and_one_without_tokens_a_zero():
    model = a_model()

    model(torch.tensor([[5]])).sum().backward()

    sizes = [
        one.abs().max().item()
        for block in model.model.layers
        for one in block.mlp.experts.up_proj.grad
    ]
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert sum(size > 0 for size in sizes) == SHAPE.layers * SHAPE.experts_per_token


@pytest.mark.filterwarnings("ignore:The .grad attribute")  # the compiler looks, and may
def test_compiled_layers_compute_the_same():
    model = a_model()
    ids_BT = torch.randint(0, 512, (2, 16), generator=torch.manual_seed(2))
    plain = model(ids_BT)
    for block in model.model.layers:
        block.compile(backend="aot_eager")

    compiled = model(ids_BT)
    compiled.sum().backward()

    torch.testing.assert_close(compiled, plain)
    assert all(parameter.grad is not None for parameter in model.parameters())


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"feed_forward_width": 80}, "expert_width and no feed_forward_width"),
        ({"experts_per_token": 0}, "experts_per_token must be at least 1"),
        ({"experts_per_token": 9}, "at most experts"),
        ({"expert_width": 0}, "expert_width must be"),
        ({"experts": 0}, "need experts"),
        ({"experts": -1}, "experts must not be negative"),
        ({"experts": 0, "experts_per_token": 0, "expert_width": 0}, "feed_forward_width must be"),
    ],
)
def test_impossible_mixtures_are_refused(wrong, told):
    with pytest.raises(ValueError, match=told):
        dataclasses.replace(SHAPE, **wrong)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"norm_topk_prob": False}, "do not sum to 1"),
        ({"decoder_sparse_step": 2}, "layers without experts"),
        ({"mlp_only_layers": [0]}, "layers without experts"),
        ({"num_experts": 9}, "do not fit its config"),
    ],
)
def test_a_mixture_of_another_kind_is_refused_by_name(tmp_path, change, told):
    save_model(a_model(), tmp_path, eos_id=0, pad_id=3, dtype=torch.float32)
    config = tmp_path / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text("utf-8")) | change), "utf-8")

    with pytest.raises(CheckpointBroken, match=told):
        load_checkpoint(tmp_path)
