"""Our transformer is Qwen3: the same logits as transformers', alone and packed."""

import dataclasses
import json

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hunmin.errors import CheckpointBroken
from hunmin.model import ModelConfig, Transformer, load_checkpoint, save_model

SHAPE = ModelConfig(
    vocab_size=512,
    context_tokens=64,
    layers=3,
    width=48,
    heads=6,
    key_value_heads=2,
    head_width=16,
    feed_forward_width=80,
)


def a_model(shape: ModelConfig = SHAPE) -> Transformer:
    model = Transformer(shape)
    model.initialize(7)
    with torch.no_grad():
        for parameter in model.parameters():  # gains too, so that none is the identity
            parameter.add_(torch.randn(parameter.shape, generator=torch.manual_seed(1)) * 0.05)
    return model.eval()


@pytest.mark.parametrize("tied", [True, False])
def test_transformers_computes_the_same_logits_from_our_files(tmp_path, tied):
    from transformers import AutoModelForCausalLM

    model = a_model(dataclasses.replace(SHAPE, tied_embeddings=tied))
    save_model(model, tmp_path, eos_id=0, pad_id=3, dtype=torch.float32)
    theirs = AutoModelForCausalLM.from_pretrained(tmp_path, dtype=torch.float32)
    ids_BT = torch.randint(0, 512, (3, 64), generator=torch.manual_seed(2))

    with torch.no_grad():
        difference = (model(ids_BT) - theirs(ids_BT).logits).abs().max()

    assert difference < 1e-4


def test_what_was_saved_is_loaded_bit_for_bit(tmp_path):
    model = a_model()
    save_model(model, tmp_path, eos_id=0, pad_id=3, dtype=torch.float32)

    loaded = load_checkpoint(tmp_path)

    assert loaded.config == model.config
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, loaded.state_dict()[name])


@given(cut=st.integers(1, 31))
@settings(max_examples=8, deadline=None)
def test_documents_packed_together_do_not_see_each_other(cut):
    model = a_model()
    ids_BT = torch.randint(0, 512, (1, 32), generator=torch.manual_seed(cut))
    segments_BT = (torch.arange(32) >= cut).long().unsqueeze(0)

    with torch.no_grad():
        packed = model(ids_BT, segments_BT)
        alone = torch.cat((model(ids_BT[:, :cut]), model(ids_BT[:, cut:])), dim=1)

    torch.testing.assert_close(packed, alone, atol=1e-5, rtol=1e-4)


def test_a_token_does_not_see_what_comes_after_it():
    model = a_model()
    ids_BT = torch.randint(0, 512, (1, 32), generator=torch.manual_seed(3))
    changed = ids_BT.clone()
    changed[0, 20:] = 5

    with torch.no_grad():
        assert torch.equal(model(ids_BT)[:, :20], model(changed)[:, :20])


def test_the_same_seed_gives_the_same_weights():
    first, second = Transformer(SHAPE), Transformer(SHAPE)
    first.initialize(11)
    second.initialize(11)

    assert torch.equal(first.lm_head.weight, second.lm_head.weight)


@pytest.mark.parametrize("damage", ["no weights", "torn", "other shape", "not qwen", "no config"])
def test_a_damaged_folder_is_refused_by_name(tmp_path, damage):
    save_model(a_model(), tmp_path, eos_id=0, pad_id=3, dtype=torch.float32)
    weights, config = tmp_path / "model.safetensors", tmp_path / "config.json"
    if damage == "no weights":
        weights.unlink()
    elif damage == "torn":
        weights.write_bytes(weights.read_bytes()[:-100])
    elif damage == "no config":
        config.unlink()
    else:
        hub = json.loads(config.read_text("utf-8"))
        change = {"intermediate_size": 96} if damage == "other shape" else {"architectures": ["X"]}
        config.write_text(json.dumps(hub | change), "utf-8")

    with pytest.raises(CheckpointBroken, match=tmp_path.name):
        load_checkpoint(tmp_path)


@pytest.mark.parametrize("wrong", [{"key_value_heads": 4}, {"head_width": 15}])
def test_impossible_shapes_are_refused(wrong):
    with pytest.raises(ValueError, match="multiple|even"):
        dataclasses.replace(SHAPE, **wrong)
