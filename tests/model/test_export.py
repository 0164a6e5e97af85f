"""The exported folder: other programs load it and compute the same numbers."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from typer.testing import CliRunner

from hunmin import model
from hunmin.__main__ import app
from hunmin.errors import (
    CheckpointBroken,
    EvaluationOfAnother,
    ManifestBroken,
    ModelNameWrong,
    VocabularyMismatch,
    WrongInput,
)
from hunmin.manifest import Manifest, ancestors, manifest_sha256, verify_files
from hunmin.steps import open_step
from tests.model.conftest import CODE, ENGLISH, KOREAN


@pytest.fixture(scope="module")
def exported(checkpoint, tmp_path_factory):
    out = tmp_path_factory.mktemp("models") / "small"
    model.export(checkpoint, out, name="small")
    return out


def furthest_logits(folder, checkpoint, ids_BT):
    """Return how far transformers' logits lie from ours, and how large ours are."""
    theirs = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    ours = model.load_checkpoint(checkpoint)
    with torch.no_grad():
        expected_BTV = ours(ids_BT)
        found_BTV = theirs(ids_BT).logits
    return (expected_BTV - found_BTV).abs().max().item(), expected_BTV.abs().max().item()


def copied(checkpoint, out, *, generation=None, nan_in=None):
    """Make a checkpoint from another one's files, with something changed."""
    with open_step(out, kind="checkpoint", name=out.name, recipe={}) as step:
        for path in checkpoint.iterdir():
            if path.is_file() and path.name != "manifest.json":
                (step.folder / path.name).write_bytes(path.read_bytes())
        if generation:
            (step.folder / "generation_config.json").write_text(json.dumps(generation))
        if nan_in:
            tensors = load_file(step.folder / "model.safetensors")
            tensors[nan_in][3] = float("nan")
            save_file(tensors, step.folder / "model.safetensors")
        step.finish(facts={})
    return out


@pytest.mark.parametrize(
    "shape",
    [
        {},
        {"tied_embeddings": False},
        {"heads": 6, "key_value_heads": 3, "rope_base": 1_000_000.0},
        {"width": 48, "head_width": 64, "feed_forward_width": 80, "norm_epsilon": 1e-5},
        {"feed_forward_width": 0, "experts": 12, "experts_per_token": 3, "expert_width": 40},
    ],
)
def test_transformers_computes_the_same_logits(make_checkpoint, tmp_path, shape):
    checkpoint = make_checkpoint(**shape)
    model.export(checkpoint, tmp_path / "out", name="small")
    ids_BT = torch.randint(0, 768, (3, 256), generator=torch.Generator().manual_seed(7))

    difference, size = furthest_logits(tmp_path / "out", checkpoint, ids_BT)

    assert size > 0.5
    assert difference < 1e-4


def test_a_mixture_of_experts_is_exported_whole_and_speaks_with_its_own_experts(
    with_experts, tmp_path
):
    out = tmp_path / "mixture"
    manifest = model.export(with_experts, out, name="mixture")
    theirs, loading = AutoModelForCausalLM.from_pretrained(out, output_loading_info=True)
    ids = torch.tensor([[300, 301, 302]])

    answer = theirs.generate(ids, max_new_tokens=8, do_sample=False, repetition_penalty=1.0)[0, 3:]

    assert not any(loading.values()), loading
    assert "model.gguf" in manifest.files
    ours = model.load_checkpoint(out)
    with torch.no_grad():
        for token in answer:
            assert int(ours(ids)[0, -1].argmax()) == int(token)
            ids = torch.cat((ids, token.view(1, 1)), dim=1)
    card = (out / "README.md").read_text("utf-8")
    assert "- qwen3_moe\n" in card
    assert card.count("`Qwen3MoeForCausalLM`") == 2
    assert "experts a layer (a token) | 12 (3) |" in card
    assert "feed-forward width" not in card


def test_weights_stored_in_bfloat16_are_computed_alike_by_both(checkpoint, tmp_path):
    out = tmp_path / "half"
    manifest = model.export(checkpoint, out, name="half", weights="bfloat16")
    ids_BT = torch.randint(0, 768, (2, 64), generator=torch.Generator().manual_seed(7))

    assert manifest.facts["weights"] == "bfloat16"
    assert AutoModelForCausalLM.from_pretrained(out).dtype == torch.bfloat16
    assert furthest_logits(out, out, ids_BT)[0] < 1e-4


def test_transformers_loads_the_same_tokenizer(exported, checkpoint):
    theirs = AutoTokenizer.from_pretrained(exported)
    ours = model.load_tokenizer(checkpoint)

    for text in (KOREAN, ENGLISH, CODE, "\n\n  🙂 한글 I'll 12345\r\n"):
        assert theirs(text)["input_ids"] == ours.encode(text).ids
        assert theirs.decode(theirs(text)["input_ids"]) == text
    assert theirs.eos_token_id == model.IM_END_ID
    assert theirs.pad_token_id == model.PAD_ID
    assert theirs.bos_token_id is None
    assert theirs.model_max_length == 256
    assert len(theirs) == 768


def test_generation_defaults_stop_at_the_end_of_a_turn_or_a_text(exported):
    defaults = GenerationConfig.from_pretrained(exported)

    assert defaults.eos_token_id == [model.IM_END_ID, model.END_OF_TEXT_ID]
    assert defaults.pad_token_id == model.PAD_ID
    assert (defaults.temperature, defaults.top_p, defaults.repetition_penalty) == (0.3, 0.9, 1.1)


def test_a_checkpoint_s_own_generation_defaults_are_kept(checkpoint, tmp_path):
    own = copied(checkpoint, tmp_path / "own", generation={"temperature": 0.3})

    model.export(own, tmp_path / "out", name="own")

    defaults = json.loads((tmp_path / "out/generation_config.json").read_text())
    assert defaults["temperature"] == 0.3
    assert defaults["top_p"] == 0.9


def test_the_folder_is_whole_and_carries_its_lineage(exported, checkpoint):
    manifest = verify_files(exported)

    assert manifest.kind == "model"
    assert manifest.inputs[0].sha256 == manifest_sha256(checkpoint)
    assert {found.kind for _, found in ancestors(exported)} == {
        "checkpoint",
        "tokenizer",
        "corpus",
    }
    assert {
        "config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
        "generation_config.json",
        "README.md",
        "model.gguf",
    } == set(manifest.files)
    assert manifest.facts["chat"] is True


def test_another_account_may_read_every_file(exported):
    assert all(path.stat().st_mode & 0o044 for path in exported.rglob("*"))


def test_the_same_checkpoint_gives_the_same_bytes(exported, checkpoint, tmp_path):
    again = model.export(checkpoint, tmp_path / "again", name="small")

    assert again.files == Manifest.read(exported).files


def test_the_command_makes_the_folder(checkpoint, tmp_path):
    out = tmp_path / "cli"

    result = CliRunner().invoke(
        app, ["export", str(checkpoint), "--out", str(out), "--name", "cli", "--license", "mit"]
    )

    assert result.exit_code == 0
    assert result.stdout == f"{out}\n"
    assert Manifest.read(out).facts["license"] == "mit"


@pytest.mark.parametrize("name", ["", "a/b", "../up", "한글", "-x", "a" * 97, "a b"])
def test_a_name_that_could_not_be_an_address_is_refused(checkpoint, tmp_path, name):
    with pytest.raises(ModelNameWrong):
        model.export(checkpoint, tmp_path / "out", name=name)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_checkpoint_is_refused(tokenizer_folder, tmp_path):
    with pytest.raises(WrongInput):
        model.export(tokenizer_folder, tmp_path / "out", name="out")


def test_a_checkpoint_changed_since_it_was_written_is_refused(make_checkpoint, tmp_path):
    changed = make_checkpoint(seed=2)
    weights = bytearray((changed / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (changed / "model.safetensors").write_bytes(weights)

    with pytest.raises(ManifestBroken, match=r"model\.safetensors"):
        model.export(changed, tmp_path / "out", name="out")
    assert not (tmp_path / "out").exists()


def test_weights_that_are_no_numbers_are_refused(checkpoint, tmp_path):
    broken = copied(checkpoint, tmp_path / "broken", nan_in="model.norm.weight")

    with pytest.raises(CheckpointBroken, match=r"model\.norm\.weight holds what is no number"):
        model.export(broken, tmp_path / "out", name="out")


def test_a_vocabulary_of_another_size_is_refused(make_checkpoint, tmp_path):
    with pytest.raises(VocabularyMismatch, match="896 tokens, its tokenizer 768"):
        model.export(make_checkpoint(vocab_size=896), tmp_path / "out", name="out")


def test_an_evaluation_of_another_checkpoint_is_refused(make_checkpoint, checkpoint, tmp_path):
    evaluation = tmp_path / "evaluation"
    with open_step(
        evaluation, kind="evaluation", name="e", recipe={}, inputs={"checkpoint": checkpoint}
    ) as step:
        step.finish(facts={})

    with pytest.raises(EvaluationOfAnother):
        model.export(make_checkpoint(seed=5), tmp_path / "out", name="out", evaluation=evaluation)
