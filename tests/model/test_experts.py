"""A mixture of experts is Qwen3Moe: the same logits as transformers', and no token dropped."""

import dataclasses
import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hunmin.errors import CheckpointBroken
from hunmin.model import ModelConfig, Transformer, load_checkpoint, save_model
from hunmin.model.experts import Experts, choose_experts

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


@settings(deadline=None, max_examples=30)
@given(
    tokens=st.integers(1, 20),
    experts=st.integers(1, 7),
    share=st.floats(0, 1),
    seed=st.integers(0, 2**31),
)
def test_each_token_gets_its_own_experts_by_weight_however_uneven_the_choice(
    tokens, experts, share, seed
):
    count = 1 + round(share * (experts - 1))
    torch.manual_seed(seed)
    layer = Experts(6, experts=experts, experts_per_token=count, width_each=5)
    x_BTD = torch.randn(1, tokens, 6)

    mixed_BTD, logits_NE = layer(x_BTD)

    _, weights_NK, chosen_NK = choose_experts(logits_NE, count)
    torch.testing.assert_close(weights_NK.sum(dim=1), torch.ones(tokens))
    for x_D, mixed_D, weights_K, chosen_K in zip(
        x_BTD[0], mixed_BTD[0], weights_NK, chosen_NK, strict=True
    ):
        assert len(set(chosen_K.tolist())) == count
        each_KD = torch.stack([layer.experts[int(one)](x_D[None])[0] for one in chosen_K])
        torch.testing.assert_close(mixed_D, weights_K @ each_KD, atol=1e-5, rtol=1e-4)


def test_every_expert_has_a_gradient_and_one_without_tokens_a_zero():
    model = a_model()

    model(torch.tensor([[5]])).sum().backward()

    sizes = {
        (layer, number): expert.up_proj.weight.grad.abs().max().item()
        for layer, block in enumerate(model.model.layers)
        for number, expert in enumerate(block.mlp.experts)
    }
    assert all(parameter.grad is not None for parameter in model.parameters())
    assert sum(size > 0 for size in sizes.values()) == SHAPE.layers * SHAPE.experts_per_token


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
